from django.urls import path

from invoice import views

urlpatterns = [
    path("list", views.List.as_view(), name="invoice-list"),
    path("list.csv", views.ListFile.as_view(), name="invoice-list-file"),
    path("statistics", views.Statistics.as_view(), name="statistics"),
    path("statistics.csv", views.StatisticsFile.as_view(), name="statistics-file"),
    path("forecast", views.Forecast.as_view(), name="forecast"),
]
