"""An invented provider with a history that ends now, for `manage.py demo`: the time machine plays it."""
