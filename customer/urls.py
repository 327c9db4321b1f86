from django.urls import path

from customer import views

urlpatterns = [
    path("register/", views.Register.as_view(), name="register"),
    path("login/", views.Login.as_view(), name="login"),
    path("token/refresh/", views.Refresh.as_view(), name="token-refresh"),
    path("increasecredit/", views.IncreaseCredit.as_view(), name="increase-credit"),
    path("profile/", views.Profile.as_view(), name="profile"),
    path("password/", views.Password.as_view(), name="password"),
]
