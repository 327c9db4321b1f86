from django.http import JsonResponse


def refuse(status: int, detail: str) -> JsonResponse:
    """An error's answer where DRF is not there to give it, in the bytes that DRF would send."""
    return JsonResponse(
        {"detail": detail}, status=status, json_dumps_params={"separators": (",", ":"), "ensure_ascii": False}
    )
