"""The words of the demonstration: what is supervised, planned, reported and found, as offices write it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from calendars import periods
from supervision.orders.models import Category, Level, Method, Source

SAID: Mapping[str, str] = {
    "plan": "明确分管领导牵头、专人负责，第一周完成摸底排查，第二周集中整改，第三周自查验收并报结。",
    "progress": "已完成摸底排查，总体进度约六成；下步将加快资金拨付和现场施工，确保按期办结。",
    "closing_report": "交办事项已全部办结；逐条对照办结标准完成自查；相关佐证材料已随件上传。",
    "questions": "请补充说明资金到位情况、尚未完成部分的具体数量和预计完成时间。",
    "how_checked": "实地核查并调阅台账，随机抽查三处，核对情况与上报材料一致。",
    "conclusion": "经核查，办结标准逐条落实，佐证材料真实完整，同意销号。",
    "instruction": "请督查室会同主管部门再核实一次群众反映集中的问题，两周内报结果。",
    "done": "已按方案完成，责任到人，建立长效机制，现场情况见所附照片。",
    "summary": "经自查，存在责任不明确、提醒机制不健全、数据审核不严的问题，主要原因是分工交叉、人员变动后衔接不到位。",
    "missing": "部分数据与台账不一致，未完成事项缺少原因分析和下步措施，请核对补充。",
    "reason": "情况属实，按规定办理。",
    "reason/send_back": "办结标准不够具体，请逐条量化后再报。",
    "reason/set_aside": "该单位已于拟单后补报季报，经电话核实系网络故障所致，不再立项。",
    "reason/decline": "该事项已由主管部门专项部署，不再单独立项督办。",
    "reason/dispute": "该事项主要职责在县交通局，我单位仅负责配合，申请改由县交通局牵头承办。",
    "reason/uphold": "依据三定方案，该事项属你单位主责，维持交办。",
    "reason/ask_extension": "受连续降雪影响，室外施工无法按原计划进行，剩余工程量约三成，申请延期办结。",
    "reason/refuse": "剩余工作不受天气影响，请按原定时限办结。",
    "reason/suspend": "所需自治区专项资金尚未下达，暂不具备办理条件，予以挂账并定期复核。",
    "reason/return_work": "现场抽查发现两处未整改到位，与报结材料不符，退回继续办理。",
    "reason/return_measure": "现场核验发现该项措施未坚持执行，提醒记录中断两周。",
    "failed": "第一条",
}
"""What is handed over with a step: by `name/step`, else by name."""


@dataclass(frozen=True)
class Matter:
    """What one order is about. `due`, `later` and the measures' last number are working days from the course's day."""

    title: str = ""
    source: str = Source.LATE_REPORT
    authority: str = ""
    reference: str = ""
    clause: str = ""
    category: str = Category.DAILY
    level: str = Level.UNIT
    method: str = Method.FOLLOW_UP
    demand: str = ""
    criteria: tuple[str, ...] = ()
    together: tuple[tuple[str, str], ...] = ()
    due: int = 15
    later: int = 25
    demands_rectification: bool = False
    measures: tuple[tuple[str, str, str, str, int], ...] = ()
    why_later: str = ""
    said: Mapping[str, str] = field(default_factory=dict)

    def words(self, name: str, step: str) -> str:
        """What is said for this input of this step."""
        for known in (self.said, SAID):
            for key in (f"{name}/{step}", name):
                if key in known:
                    return known[key]
        raise LookupError(f"nothing is said for {name} of {step}")

    def report(self, unit: str, period: str, random: Random) -> tuple[dict[str, Any], dict[str, Any]]:
        """A quarterly report's content and lines."""
        quarter = periods.parse(period)
        share, lines = 25 * int(period[-1]), []
        for task in TASKS[unit]:
            done = Decimal(random.randrange(880, 1060)) / 10
            behind = done < 97
            lines.append({
                "task": task, "planned": f"累计完成全年任务的{share}%", "share": done,
                "actual": f"累计完成全年任务的{(done * share / 100).quantize(Decimal('0.1'))}%，{random.choice(PROGRESS)}",
                "gap": random.choice(GAPS) if behind else "", "measure": random.choice(REMEDIES) if behind else "",
            })  # fmt: skip
        return {"summary": f"{quarter.zh}，{random.choice(SUMMARIES)}"}, {"lines": lines}


PROGRESS = (
    "重点项目全部开工",
    "台账和影像资料已归档",
    "群众满意度持续提升",
    "月评议未发现突出问题",
    "进度位居同类单位前列",
)
GAPS = (
    "配套资金到位较慢，影响施工进度",
    "专业技术人员不足，前期手续办理时间较长",
    "受天气影响，室外作业时间缩短",
    "个别村队配合不够主动",
)
REMEDIES = (
    "每周调度一次，倒排工期",
    "主动对接财政部门，争取资金尽快拨付",
    "抽调专人集中办理前期手续",
    "分管领导包联，逐村逐户推进",
)
SUMMARIES = (
    "我单位紧扣全年绩效目标，坚持月调度、季考核，各项重点工作按计划推进。",
    "我单位强化目标责任制，主要领导亲自抓、分管领导具体抓，重点任务总体达到序时进度。",
    "我单位围绕中心工作抓落实，民生实事和重点项目稳步推进，个别任务进度偏慢，正在采取措施追赶。",
)

TASKS: Mapping[str, tuple[str, ...]] = {
    "hoxtolgay": ("人居环境整治和垃圾清运", "设施农业和庭院经济项目建设", "城乡居民医保参保动员"),
    "hoboksar": ("老旧小区供热管网改造配合", "社区网格化服务管理", "农牧民转移就业"),
    "xazgay": ("高标准农田建设", "防洪渠清淤加固", "农村户厕改造"),
    "tebken": ("牧区饮水安全巩固提升", "草原生态保护补奖兑现", "乡村道路养护"),
    "qagankul": ("打草场围栏建设", "牲畜品种改良", "村集体经济增收"),
    "baga": ("暖圈棚建设", "牧道维修", "牧民定居点绿化"),
    "naran": ("湿地保护和禁牧巡护", "冬草料储备", "牧场电网改造配合"),
    "discipline": ("群众身边不正之风专项整治", "干部作风明察暗访", "廉政教育"),
    "personnel": ("基层党组织标准化建设", "干部教育培训", "村干部履职考核"),
    "police": ("社会治安综合治理", "道路交通事故预防", "窗口服务效能提升"),
    "building": ("老旧供热管网改造", "保障性住房建设", "城镇污水处理厂提标"),
    "tax": ("地方税收征收", "办税服务厅效能建设", "重点税源监控"),
    "media": ("广播电视户户通维护", "民语节目译制", "应急广播终端安装"),
    "environment": ("燃煤锅炉淘汰", "饮用水水源地保护", "排污企业在线监测"),
    "finance": ("民生支出保障", "项目资金拨付进度", "预算绩效管理"),
    "planning": ("重大项目前期工作", "向上争取资金", "固定资产投资统计"),
    "transport": ("农村公路建设", "客运站标准化改造", "公路冬季养护"),
    "education": ("义务教育均衡发展", "校园安全隐患整治", "学前教育普及"),
    "health": ("乡镇卫生院达标建设", "家庭医生签约服务", "妇幼健康服务"),
    "civil": ("城乡低保动态管理", "养老服务中心建设", "临时救助"),
}

RECTIFY_REPORTING = (
    ("季报迟报", "填报责任未落实到人", "明确办公室专人负责季报，建立AB岗", "办公室主任"),
    ("缺少提前提醒", "没有工作台账和提醒制度", "建立季报提前五日提醒制度并上墙公示", "分管领导"),
)
"""What a unit plans whose report was late."""


def late_report(due: int, *done: int) -> Matter:
    """What the supervision office adds to an order that the clock drafted; `done` is by when the two measures are done,
    in days from the report's due date (none: no rectification is demanded)."""
    return Matter(
        criteria=("已对相关责任人进行提醒谈话，并报送情况说明",), due=due, demands_rectification=bool(done),
        demand="请主要领导亲自过问，书面说明逾期原因。", measures=tuple((*words, day) for words, day in zip(RECTIFY_REPORTING, done, strict=False)),
        said={
            "plan": "立即补报季报；召开专题会议查找原因；制定整改方案并按时限落实。",
            "closing_report": "季报已补报并经县绩效办接收；逾期原因已查明；整改措施全部通过核查；已对责任人进行提醒谈话。",
            "done": "已印发工作分工，明确专人和AB岗，提醒制度上墙公示，第一次提醒已执行。",
        },
    )  # fmt: skip


def meeting(title: str, session: int, clause: str, demand: str, *criteria: str, **more: Any) -> Matter:
    """A matter that a meeting of the county government decided."""
    return Matter(
        title=title, source=Source.MEETING, authority=f"自治县人民政府第{session}次常务会议", reference=f"和政常纪〔{session}〕号",
        clause=clause, demand=demand, criteria=criteria, **more,
    )  # fmt: skip


def instruction(title: str, authority: str, clause: str, demand: str, *criteria: str, **more: Any) -> Matter:
    """A matter that a leader gave an instruction on."""
    return Matter(
        title=title, source=Source.LEADERS_INSTRUCTION, authority=authority, clause=clause, demand=demand, criteria=criteria,
        level=Level.LEADER, **more,
    )  # fmt: skip


def finding(title: str, clause: str, demand: str, *criteria: str, **more: Any) -> Matter:
    """A matter that an inspection found and that is to be rectified."""
    return Matter(
        title=title, source=Source.INSPECTION, authority="县督查室专项督查", reference="督查情况通报", clause=clause, demand=demand,
        criteria=criteria, category=Category.SPECIAL, method=Method.TASK_FORCE, demands_rectification=True, **more,
    )  # fmt: skip
