from django.urls import path

from invoice import views

urlpatterns = [
    path("list", views.List.as_view(), name="invoice-list"),
    path("statistics", views.Statistics.as_view(), name="statistics"),
    path("forecast", views.Forecast.as_view(), name="forecast"),
]
