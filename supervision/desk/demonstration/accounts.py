"""Who may sign in to the demonstration, and what to try as each. Names of accounts are those of `county.CAST`."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from organisation.models import Person, Post
from organisation.roles import PostRole
from supervision.desk.demonstration.county import CAST, NEIGHBOUR
from supervision.desk.pages import DemoAccount, DemoInstitution
from workflows.words import Text

ROLES: Mapping[str, Text] = {
    PostRole.UNIT_STAFF: Text("承办人", "unit staff"),
    PostRole.DEPUTY_IN_CHARGE: Text("分管领导", "deputy in charge"),
    PostRole.HEAD: Text("一把手", "head"),
    PostRole.PERFORMANCE_OFFICE: Text("绩效办", "performance office"),
    PostRole.SUPERVISOR: Text("督查室", "supervision office"),
    PostRole.LEADING_GROUP: Text("领导小组", "leading group"),
    PostRole.DISCIPLINE_INSPECTION: Text("纪检监察", "discipline inspection"),
    PostRole.ORGANISATION_DEPARTMENT: Text("组织人事", "organisation department"),
    PostRole.AUDITOR: Text("审计", "auditor"),
}

TRY: Mapping[str, Text] = {
    "staff": Text("提出办理计划，拟定整改方案，重办被退回的措施并上传佐证", "plan an order, draw up a rectification plan, mend a measure that was sent back"),
    "head": Text("签收督办单，反馈进展，审签整改方案", "sign for an order, report progress, sign a rectification plan"),
    "deputy": Text("今日代一把手审签：页面始终显示以何身份办理", "act for the head, who delegated to you today; the page says in which capacity"),
    "office": Text("审核季报，对整改方案提出审核意见", "accept or return a quarterly report, give the office's opinion on a plan"),
    "joint": Text("绩效办与督查室合署办公：一人两职，办理时选择身份", "two posts in one person: performance office and supervision office"),
    "supervisor": Text("拟定并提请签发督办单，裁定退回申请，核查报结和整改措施", "draft an order, rule on a dispute, check what was claimed done"),
    "supervisor2": Text("核查他人拟办的事项；本人拟办的不得核查", "check what a colleague drafted; your own you may not"),
    "leader": Text("签发督办单，审定延期，领导批示件销号", "sign an order, decide on an extension, close an instruction"),
    "leader2": Text("领导小组三选二审定整改方案，签发督办单", "vote on rectification plans (two of three), sign orders"),
    "leader3": Text("县纪委书记：领导小组成员、本单位一把手，一人多职", "member of the leading group and head of a unit at once"),
    "substitute": Text("一把手外出学习期间代为审签", "stand in for a head who is away"),
    "discipline": Text("承办本单位督办单；以纪检监察身份查阅全部事项", "handle your unit's order; read all matters as discipline inspection"),
    "personnel": Text("承办本单位督办单；以组织部身份管理职务、代理和请假", "handle your unit's order; posts, delegations and absences are yours"),
    "auditor": Text("查阅全部事项和留痕，不参与办理", "read every matter and its trail; decide nothing"),
    "neighbour": Text("另一机构：看不到和布克赛尔县的任何事项", "another institution: nothing of the county is visible"),
}  # fmt: skip
"""In the order in which they are shown."""

ORDER = tuple(username for username, _, _, _ in (*CAST, NEIGHBOUR))


def demo_institutions() -> tuple[DemoInstitution, ...]:
    """The demonstration's accounts with their posts, by institution; empty outside the demonstration. Two queries."""
    if not settings.DUBAN_DEMO:
        return ()
    posts: dict[int, list[Post]] = {}
    for post in Post.objects.filter(person__username__in=ORDER).select_related("unit").order_by("pk"):
        posts.setdefault(post.person_id, []).append(post)
    people = Person.objects.filter(username__in=ORDER, is_active=True).select_related("institution")
    found: dict[int, tuple[Text, list[DemoAccount]]] = {}
    for person in sorted(people, key=lambda person: (person.institution_id, ORDER.index(person.username))):
        name = Text(person.institution.name_zh, person.institution.name_en or person.institution.name_zh)
        _, accounts = found.setdefault(person.institution_id, (name, []))
        accounts.append(_account(person, posts.get(person.pk, [])))
    return tuple(DemoInstitution(name, tuple(accounts)) for name, accounts in found.values())


def _account(person: Person, posts: list[Post]) -> DemoAccount:
    roles = [ROLES[post.role] for post in posts]
    units = {post.unit_id: post.unit for post in posts}.values()
    return DemoAccount(
        person.username,
        Text(person.name, person.name_en or person.name),
        Text("、".join(role.zh for role in roles), ", ".join(role.en for role in roles)),
        Text(
            "、".join(unit.name_zh for unit in units),
            ", ".join(unit.name_en or unit.name_zh for unit in units),
        ),
    )
