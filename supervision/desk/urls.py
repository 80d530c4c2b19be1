"""The desk's addresses."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from supervision.desk.views import beginning, deciding, goals, operation, pages
from supervision.desk.views.sign_in import SignIn

urlpatterns = [
    path("", pages.home, name="home"),
    path("sign-in/", SignIn.as_view(), name="sign_in"),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
    path("queue/", pages.queue, name="queue"),
    path("queue/bulk/", deciding.bulk, name="bulk"),
    path("items/<int:item_id>/panel/", deciding.item_panel, name="item_panel"),
    path("items/<int:item_id>/claim/", deciding.claim_item, name="claim"),
    path("items/<int:item_id>/release/", deciding.release_item, name="release"),
    path("items/<int:item_id>/hand-over/", deciding.hand_over_item, name="hand_over"),
    path("files/", pages.documents, name="documents"),
    path("d/<str:kind>/new/<str:step>/", beginning.begin, name="begin"),
    path("d/<str:kind>/<int:pk>/", pages.document, name="document"),
    path("d/<str:kind>/<int:pk>/new/<str:child>/<str:step>/", beginning.begin_below, name="begin_below"),
    path("d/<str:kind>/<int:pk>/panel/", deciding.panel, name="panel"),
    path("d/<str:kind>/<int:pk>/act/", deciding.act, name="act"),
    path("d/<str:kind>/<int:pk>/edit/", pages.edit_draft, name="edit"),
    path("d/<str:kind>/<int:pk>/attach/", pages.attach, name="attach"),
    path("attachments/<int:pk>/", pages.attachment, name="attachment"),
    path("attachments/<int:pk>/remove/", pages.remove_attachment, name="remove_attachment"),
    path("board/", pages.board, name="board"),
    path("goals/", goals.goals, name="goals"),
    path("goals/call/", goals.call, name="call_for_goals"),
    path("desk/", pages.desk, name="leader_desk"),
    path("notices/", pages.notices, name="notices"),
    path("notices/read/", pages.read_notices, name="read_notices"),
    path("notices/<int:pk>/", pages.notice, name="notice"),
    path("operation/", operation.operation, name="operation"),
    path("operation/deliveries/<int:pk>/resend/", operation.resend_delivery, name="resend_delivery"),
    path("operation/items/<int:pk>/retry/", operation.retry_item, name="retry_item"),
    path("operation/items/<int:pk>/pass-over/", operation.pass_over_item, name="pass_over_item"),
]
