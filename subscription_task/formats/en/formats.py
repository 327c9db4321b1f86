"""How times are shown: UTC, as everywhere, and in an order that sorts. Django's own English ones win over settings."""

DATE_FORMAT, TIME_FORMAT, DATETIME_FORMAT = "Y-m-d", "H:i:s", "Y-m-d H:i:s"
SHORT_DATE_FORMAT, SHORT_DATETIME_FORMAT = DATE_FORMAT, DATETIME_FORMAT
YEAR_MONTH_FORMAT, MONTH_DAY_FORMAT = "Y-m", "m-d"
FIRST_DAY_OF_WEEK = 1

# Ours, for the dashboard.
MINUTE_FORMAT, SECOND_FORMAT = "Y-m-d H:i", "m-d H:i:s"
AXIS_MINUTE_FORMAT, AXIS_HOUR_FORMAT, AXIS_DAY_FORMAT = "H:i", "D H:i", "M j"
