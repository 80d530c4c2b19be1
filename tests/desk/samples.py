"""Values for the templates: one page of each kind, with what is hardest to show (refusals, errors, other languages)."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from supervision.desk import pages
from supervision.desk.pages import Who
from workflows.words import Text

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 4, 10, 9, 30, tzinfo=ZONE)
ORDER = Text("督办单", "Supervision order")
UNIT = Text("市住建局", "Housing Bureau")
TITLE = "老旧小区改造（二期）外立面施工"


def due(day: date = date(2026, 4, 7), left: int = -3, **more: object) -> pages.Due:
    why = (
        pages.Because("起算", "2026年3月30日（周一），当日不计入"),
        pages.Because("截止", "2026年4月7日（周二）24时止", main=True),
    )
    return pages.Due(day, left, "3月30日＋5个工作日，扣清明节", why, "《办法》第十二条", **more)  # type: ignore[arg-type]


APPROVE = pages.Step(
    "approve", Text("同意，送分管领导审定", "Approve and send to leader"), Text("同意", "Approve"), "forward"
)
RETURN = pages.Step(
    "send_back",
    Text("退回补正", "Return for correction"),
    Text("退回", "Return"),
    "back",
    note="required",
)
EXTEND = pages.Step(
    "extend",
    Text("准予延期", "Grant the extension"),
    tone="forward",
    inputs=(
        pages.Input("new_date", Text("新截止日期", "New due date"), "date", required=True),
        pages.Input("grounds", Text("依据", "Grounds"), "lines"),
        pages.Input(
            "level",
            Text("层级", "Level"),
            "choice",
            value="b",
            choices=(pages.Choice("a", "甲"), pages.Choice("b", "乙")),
            error="请选择层级。",
        ),
        pages.Input("sure", Text("已现场核查", "Checked on site"), "yes"),
    ),
)
CLOSE = pages.Step(
    "close",
    Text("办结销号", "Close the order"),
    tone="forward",
    why_not=("尚有 2 条办结标准没有佐证。", "不得审定本人经手的事项。"),
)
SIGN = pages.Step(
    "sign",
    Text("签发督办通知书", "Sign the notice"),
    Text("签发", "Sign"),
    "forward",
    confirm=pages.Confirm("签发后不能撤回", (("送达", UNIT), ("效力", "自签收之日起算"))),
)


def panel(**more: object) -> pages.Panel:
    given: dict[str, object] = {
        "key": "7",
        "title": TITLE,
        "act_url": "/act/7/",
        "panel_url": "/items/7/panel/",
        "document_url": "/d/orders.supervisionorder/3/",
        "seen_version": 12,
        "request_id": "0b8e2c1e",
        "steps": (APPROVE, RETURN, EXTEND, CLOSE),
        "item": 7,
        "facts": (
            pages.Fact(
                Text("时限", "Date"),
                Text("2026年6月15日", "15 Jun 2026"),
                Text("2026年4月30日", "30 Apr 2026"),
                "顺延30个工作日",
            ),
        ),
        "files": (pages.File("监理停工令.pdf", "/files/1/"),),
        "opinions": (
            pages.Opinion(Who("周岚", UNIT), Text("同意上报", "agreed"), NOW, "情况属实。"),
            pages.Opinion(Who("刘敏", UNIT, me=True), Text("初审", "review"), kind="now"),
            pages.Opinion(Who("王建国", "市政府", "分管领导"), Text("审定", "decides"), kind="next"),
        ),
        "phrases": ("拟同意。",),
        "capacity": "督查室",
    }
    return pages.Panel(**{**given, **more})  # type: ignore[arg-type]


def row(**more: object) -> pages.Row:
    given: dict[str, object] = {
        "id": 7,
        "kind": ORDER,
        "title": TITLE,
        "url": "/d/orders.supervisionorder/3/",
        "panel_url": "/items/7/panel/",
        "number": "云督〔2026〕17号",
        "lamp": "red",
        "unit": UNIT,
        "person": "陈涛",
        "state": Text("核查中", "Under check"),
        "duty": Text("作出核查结论", "conclude the check"),
        "due": due(),
        "files": 3,
        "forward": APPROVE,
        "back": RETURN,
        "more": (EXTEND,),
        "bulk": APPROVE,
        "bulk_group": "督办单·核查中",
    }
    return pages.Row(**{**given, **more})  # type: ignore[arg-type]


def queue(**more: object) -> pages.Queue:
    given: dict[str, object] = {
        "tab": "mine",
        "today": NOW.date(),
        "tabs": (
            pages.Tab("mine", "待我办理", "/", 1, True),
            pages.Tab("done", "我已办理", "/?tab=done"),
        ),
        "lamps": (
            pages.LampCount("", 1, "/", current=True),
            pages.LampCount("red", 1, "/?lamp=red", "已超期"),
        ),
        "rows": (row(),),
        "pages": pages.Pages(1, 1, 1),
        "bulk_url": "/bulk/",
        "clear_url": "/",
    }
    return pages.Queue(**{**given, **more})  # type: ignore[arg-type]


def document(**more: object) -> pages.DocumentPage:
    me = Who("刘敏", UNIT, Text("督查室", "supervision office"), me=True)
    stand_in = Who("王建国", UNIT, Text("分管领导", "deputy"), on_behalf_of="李建新")
    given: dict[str, object] = {
        "kind": ORDER,
        "title": TITLE,
        "state": Text("承办中", "In hand"),
        "lamp": "red",
        "number": "云督〔2026〕17号",
        "unit": UNIT,
        "responsible": ((Text("直接责任人", "Directly responsible"), Who("陈涛")),),
        "due": due(original_on=date(2026, 3, 31)),
        "states": (
            pages.StateMark(Text("已签收", "Received"), "passed", NOW),
            pages.StateMark(Text("承办中", "In hand"), "now"),
            pages.StateMark(Text("办结", "Closed"), "ahead"),
        ),
        "facts": (pages.Fact(Text("办结标准", "Done when"), "监理验收合格"),),
        "panel": panel(shape="page"),
        "holders": (pages.Holding(Text("办结并报结", "finish and report"), (Who("周岚"), me), "red", due()),),
        "files": (
            pages.File("监理停工令.pdf", "/files/1/", 348112, date(2026, 3, 27), NOW, me, "9f2b1c77aa01ffff"),
        ),
        "entries": (
            pages.Entry(
                2,
                stand_in,
                Text("不同意延期", "Refuse the extension"),
                NOW,
                "refuse",
                Text("延期申请中", "Extension asked"),
                Text("承办中", "In hand"),
                "理由不充分。",
                (pages.Change("拟延至", "2026-04-30", "2026-06-15"),),
                recorded_at=NOW,
                digest="1c77aa019f2bffff",
            ),
        ),
        "round": pages.Round(
            Text("会签", "Countersigning"),
            (
                pages.RoundStep(
                    Text("领导小组", "Leading group"),
                    (pages.Seat(Who("孙三"), "refuse", Text("不同意", "refused"), NOW, "资金未落实。"),),
                    "须3人同意",
                ),
            ),
        ),
    }
    return pages.DocumentPage(**{**given, **more})  # type: ignore[arg-type]


def overdue_row() -> pages.OverdueRow:
    return pages.OverdueRow(
        TITLE,
        "/d/orders.supervisionorder/3/",
        due(date(2026, 2, 5), -41),
        "云督〔2026〕8号",
        UNIT,
        "田野",
        4,
        Text("四级 约谈", "L4 Interview"),
        "约谈通知已签收",
        NOW,
        "市政府约谈",
        date(2026, 4, 14),
    )


def board(**more: object) -> pages.Board:
    given: dict[str, object] = {
        "scope": Text("全市", "Whole city"),
        "units": 24,
        "open": 222,
        "as_of": NOW,
        "lamps": (
            pages.LampCount("red", 23, "/board/", "已超期", True, "较上周＋4"),
            pages.LampCount("done", 412, "/board/?lamp=done", "今年已办结"),
        ),
        "ages": (pages.Age("1–3", 9, 1.0, "/board/?age=1"),),
        "ladder": (pages.Rung(4, Text("四级 约谈", "L4 Interview"), "超期30日", 1, "/board/?level=4"),),
        "league": (
            pages.UnitLine(1, UNIT, 21, 5, 4, 12, 78.6, "/board/?unit=1"),
            pages.UnitLine(None, Text("其余16个单位", "16 other units"), 94, 2, 9, 83, None),
        ),
        "rows": (overdue_row(),),
        "pages": pages.Pages(1, 1, 23, next_url="/board/?page=2"),
        "on_time": 91.3,
        "on_time_goal": 95.0,
        "trend": (
            pages.TrendPoint(date(2026, 4, 3), 19, 35),
            pages.TrendPoint(date(2026, 4, 10), 23, 31),
        ),
        "list_title": "超期事项",
    }
    return pages.Board(**{**given, **more})  # type: ignore[arg-type]


def desk(**more: object) -> pages.LeaderDesk:
    given: dict[str, object] = {
        "today": NOW.date(),
        "cards": (pages.Card(row(), panel().facts, panel().files, panel().opinions[0], "5人中已同意3人"),),
        "total": 9,
        "lamps": board().lamps,
        "board_url": "/board/",
        "attention": (overdue_row(),),
        "queue_url": "/",
    }
    return pages.LeaderDesk(**{**given, **more})  # type: ignore[arg-type]


def notices(**more: object) -> pages.Notices:
    given: dict[str, object] = {
        "rows": (
            pages.NoticeLine(
                1, "将于4月13日到期：", NOW, "/d/1/", TITLE, urgent=True, channels=("邮件", "短信")
            ),
        ),
        "pages": pages.Pages(1, 1, 1),
        "unread": 1,
        "tabs": (pages.Tab("all", "全部", "/notices/", 1, True),),
        "read_all_url": "/notices/read/",
    }
    return pages.Notices(**{**given, **more})  # type: ignore[arg-type]


def chrome(**more: object) -> pages.Chrome:
    given: dict[str, object] = {
        "institution": Text("云州市目标督办平台", "Yunzhou Goal Supervision"),
        "home_url": "/",
        "nav": (
            pages.NavLink("待办", "/", True, 14, "queue"),
            pages.NavLink("督办台账", "/board/"),
        ),
        "notices_url": "/notices/",
        "unread": 5,
        "person": Text("刘敏", "Liu Min"),
        "capacities": (
            pages.CapacityLine("督查室", UNIT),
            pages.CapacityLine("分管领导", UNIT, "王建国", date(2026, 4, 20)),
        ),
    }
    return pages.Chrome(**{**given, **more})  # type: ignore[arg-type]
