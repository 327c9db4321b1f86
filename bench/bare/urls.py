from django.urls import path
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from bench.bare import views

urlpatterns = [
    path("customer/register/", views.Register.as_view()),
    path("customer/login/", TokenObtainPairView.as_view()),
    path("customer/token/refresh/", TokenRefreshView.as_view()),
    path("customer/increasecredit/", views.IncreaseCredit.as_view()),
    path("subscription/create/", views.Create.as_view()),
    path("subscription/editactivation/<int:subid>/", views.EditActivation.as_view()),
    path("subscription/list", views.Subscriptions.as_view()),
    path("invoice/list", views.Invoices.as_view()),
    path("invoice/statistics", views.Statistics.as_view()),
]
