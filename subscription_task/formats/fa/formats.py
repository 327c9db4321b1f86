"""How times are shown in Persian: the day first, by the Solar Hijri calendar, and said to be UTC.

Separators are ASCII, since Django also writes numbers for browsers with them; people get theirs from formats.numbers.
"""

DATE_FORMAT, TIME_FORMAT, DATETIME_FORMAT = "j F Y", "H:i:s", r"j F Y H:i:s \U\T\C"
SHORT_DATE_FORMAT, SHORT_DATETIME_FORMAT = DATE_FORMAT, DATETIME_FORMAT
YEAR_MONTH_FORMAT, MONTH_DAY_FORMAT = "F Y", "j F"
FIRST_DAY_OF_WEEK = 6
DECIMAL_SEPARATOR, THOUSAND_SEPARATOR, NUMBER_GROUPING = ".", ",", 3

# Ours, for the dashboard.
MINUTE_FORMAT, SECOND_FORMAT = "j F Y H:i", "j F H:i:s"
AXIS_MINUTE_FORMAT, AXIS_HOUR_FORMAT, AXIS_DAY_FORMAT = "H:i", "l H:i", "j F"
