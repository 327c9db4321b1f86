from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

from invoice import views as invoice
from subscription_task import documents, home

urlpatterns = [
    path("", home.home, name="home"),
    path("customer/", include("customer.urls")),
    path("customer/statement", invoice.Statement.as_view(), name="statement"),
    path("customer/statement.csv", invoice.StatementFile.as_view(), name="statement-file"),
    path("subscription/", include("subscription.urls")),
    path("subscription/<int:subid>/", invoice.Reasons.as_view(), name="reasons"),
    path("invoice/", include("invoice.urls")),
    path("api/schema/", documents.Schema.as_view(), name="schema"),
    path("api/docs/", documents.SwaggerUI.as_view(), name="docs"),
    path("api/redoc/", documents.redoc, name="redoc"),
    path("admin/language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
]
handler400 = "subscription_task.errors.bad_request"
handler403 = "subscription_task.errors.forbidden"
handler404 = "subscription_task.errors.not_found"
handler500 = "subscription_task.errors.server_error"
