from django.urls import path

from subscription import views

urlpatterns = [
    path("create/", views.Create.as_view(), name="create"),
    path("editactivation/<int:subid>/", views.EditActivation.as_view(), name="edit-activation"),
    path("list", views.List.as_view(), name="subscription-list"),
    path("list.csv", views.ListFile.as_view(), name="subscription-list-file"),
]
