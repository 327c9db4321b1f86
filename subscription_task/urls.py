from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from invoice import views as invoice
from subscription_task.http.documents import redoc

open_to_all = {"authentication_classes": [], "permission_classes": [], "throttle_classes": []}

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs")),
    path("customer/statement", invoice.Statement.as_view(), name="statement"),
    path("customer/", include("customer.urls")),
    path("subscription/<int:subid>/", invoice.Reasons.as_view(), name="reasons"),
    path("subscription/", include("subscription.urls")),
    path("invoice/", include("invoice.urls")),
    path("api/schema/", SpectacularAPIView.as_view(**open_to_all), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(**open_to_all, url_name="schema"), name="docs"),
    path("api/redoc/", redoc, name="redoc"),
    path("admin/", admin.site.urls),
]
handler400 = "subscription_task.errors.bad_request"
handler403 = "subscription_task.errors.forbidden"
handler404 = "subscription_task.errors.not_found"
handler500 = "subscription_task.errors.server_error"
