"""The matters that are told from the eve of today: whose, drafted by whom, when what was done, and what it is about."""

from __future__ import annotations

from supervision.desk.demonstration.matters import Matter, finding, instruction, meeting
from supervision.orders.models import Method

ISSUED = "{0} draft submit; {1} sign sign_for; {2} take_in_hand;"


def _in_hand(since: int, then: str = "") -> str:
    """Drafted, signed, signed for and taken in hand on that day; then the rest."""
    return f"{ISSUED.format(since - 2, since - 1, since)}{then}".rstrip(";")


def _planned(since: int, then: str) -> str:
    """In hand since that day, with a plan drawn up three days later and signed the day after."""
    return _in_hand(since, f"{since + 3} plan.write plan.hand_in; {since + 4} plan.sign;{then}")


def _one(problem: str, measure: str, owner: str, due: int) -> tuple[tuple[str, str, str, str, int], ...]:
    return ((problem, "日常巡查不到位，责任没有压实", measure, owner, due),)


TOLD: tuple[tuple[str, str, str, Matter], ...] = (
    # Closed, declined
    ("police", "supervisor2", _in_hand(-36, "-27 feed_back; -26 note_feedback; -18 prove claim_done; -17 take_up; -15 close"),
     meeting("关于推进县城交通信号灯和监控设施升级改造的督办单", 3, "第二条：县公安局牵头，完成主城区六个路口设施升级",
             "按期完成六个路口信号灯和监控设施升级，投入使用并建立维护台账。", "六个路口设施全部投入使用", "维护台账已建立",
             together=(("transport", "配合做好施工期间交通组织"),), due=-14)),
    ("finance", "supervisor", _in_hand(-34, "-25 feed_back; -24 note_feedback; -20 ask_extension; -19 grant:leader2; -12 feed_back;"
                                            "-11 ask_again; -10 feed_back; -9 note_feedback; -8 prove claim_done; -7 take_up; -6 close"),
     meeting("关于加快民生实事项目资金拨付的督办单", 4, "第一条：县财政局会同项目单位加快拨付进度",
             "民生实事项目资金拨付率达到序时进度，逐项列出未拨付原因。", "拨付率达到序时进度", "未拨付项目逐项说明原因", due=-16, later=-5)),
    ("health", "supervisor2", _in_hand(-31, "-22 feed_back; -21 note_feedback; -14 prove claim_done; -13 take_up; -11 submit_for_closing;"
                                            "-10 approve_closing"),
     instruction("关于落实牧区巡回医疗服务批示件的督办单", "县委主要领导批示", "请县卫生局保证每个牧业村每季度不少于一次巡回医疗",
                 "制定巡回医疗计划并公示，逐村落实，建立服务台账。", "巡回医疗计划已公示", "服务台账覆盖全部牧业村", due=-12)),
    ("civil", "supervisor", "-15 draft submit; -14 decline:leader2",
     meeting("关于开展困难群众冬季取暖走访的督办单", 6, "第五条：县民政局组织走访", "走访困难群众并落实取暖补助。", "走访覆盖率达到百分之百", due=5)),

    # Drafts, and drafts for signature
    ("planning", "supervisor", "0 draft",
     meeting("关于加快重大项目前期手续办理的督办单", 9, "第三条：县发改委牵头，建立项目前期手续联审机制",
             "建立联审机制，列出未办结手续清单，逐项明确时限。", "联审机制已印发实施", "未办结手续清单逐项销号",
             together=(("building", "办理规划许可"), ("environment", "办理环评批复")), due=18, method=Method.FOLLOW_UP)),
    ("police", "joint", "-5 draft",
     meeting("关于整治县城主干道占道经营的督办单", 8, "第六条：县公安局会同县城建局开展联合整治", "", due=12)),
    ("transport", "supervisor2", "-3 draft submit; -1 send_back",
     meeting("关于农村公路冬季养护物资储备的督办单", 8, "第四条：县交通局十日内完成防滑物资储备",
             "完成防滑料、除雪设备储备和检修。", "物资储备充足", due=10)),
    ("education", "supervisor2", "-1 draft; 0 submit",
     instruction("关于落实校园供暖保障批示件的督办单", "县政府主要领导批示", "请县教育局逐校排查供暖设施，确保学生温暖过冬",
                 "逐校排查供暖设施，发现问题立即整改，建立日测温制度。", "排查覆盖全部学校", "室温达标率百分之百", "日测温台账已建立", due=8)),
    ("naran", "supervisor", "-6 draft submit",
     meeting("关于冬草料储备调运的督办单", 7, "第二条：那仁和布克牧场完成冬草料储备任务", "完成冬草料储备任务，困难牧户优先保障。",
             "储备量达到任务数", "困难牧户全部落实", due=9)),

    # Issued, disputed, received
    ("hoxtolgay", "supervisor2", "-1 draft submit; 0 sign",
     meeting("关于和什托洛盖镇集贸市场消防隐患整治的督办单", 9, "第五条：和什托洛盖镇牵头整治集贸市场消防隐患",
             "清理占用消防通道的摊位，更换过期灭火器，完善电气线路。", "消防通道全部畅通", "过期器材全部更换", due=12,
             together=(("police", "开展消防监督检查"),))),
    ("baga", "supervisor", "-6 draft submit; -5 sign:leader2",
     meeting("关于牧道塌方路段抢修的督办单", 7, "第七条：巴嘎乌图布拉格牧场抢修塌方牧道", "抢修塌方路段，保障转场安全。", "牧道恢复通行", due=14)),
    ("planning", "supervisor2", "-4 draft submit; -3 sign; -2 sign_for; -1 dispute",
     meeting("关于客运班线燃油补贴核定的督办单", 8, "第九条：由县发改委会同县交通局核定", "核定客运班线燃油补贴并公示。", "补贴名单已公示", due=10)),
    ("hoxtolgay", "supervisor", "-3 draft submit; -2 sign:leader2; -1 sign_for",
     instruction("关于解决镇区居民反映供水水压不足批示件的督办单", "自治县县长信箱批示", "请和什托洛盖镇查明原因，尽快解决并回复群众",
                 "查明水压不足原因，提出解决办法，逐户回复反映问题的群众。", "水压达到供水标准", "反映群众全部回复", due=14)),
    ("personnel", "supervisor2", "-4 draft submit; -3 sign; -2 sign_for",
     meeting("关于完善乡镇场干部绩效档案的督办单", 8, "第十条：县委组织部完善干部绩效档案", "统一干部绩效档案格式，完成上一年度档案归集。",
             "档案格式已统一", "归集率达到百分之百", due=15)),
    ("discipline", "supervisor", "-7 draft submit; -6 sign; -5 sign_for",
     meeting("关于开展窗口单位工作作风明察暗访的督办单", 7, "第一条：县纪委监委牵头开展明察暗访", "对窗口单位开展明察暗访并通报结果。",
             "明察暗访覆盖全部窗口单位", "通报已印发", due=11)),

    # In hand
    ("hoxtolgay", "supervisor", _in_hand(-9),
     meeting("关于和什托洛盖镇供热管网漏损整治的督办单", 6, "第四条：和什托洛盖镇会同县城建局整治供热管网漏损",
             "完成漏损管段更换，群众投诉逐件回复。", "漏损率低于百分之十", "群众投诉全部回复", due=2, together=(("building", "提供技术支持"),))),
    ("building", "supervisor2", _in_hand(-24, "-15 feed_back; -14 note_feedback; -10 prove claim_done; -9 take_up; -7 return_work"),
     meeting("关于保障性住房分配公示的督办单", 5, "第三条：县城建局公示分配方案并受理异议", "公示分配方案，异议逐件办结。",
             "分配方案已公示", "异议全部办结", due=1)),
    ("education", "supervisor2", _in_hand(-10, "-1 feed_back"),
     meeting("关于校园食堂食品安全排查的督办单", 6, "第八条：县教育局组织全县校园食堂排查", "排查全部校园食堂，问题逐项整改。",
             "排查覆盖率百分之百", "问题全部整改", due=7)),
    ("health", "joint", _in_hand(-8, "0 feed_back"),
     meeting("关于乡镇卫生院药品配备达标的督办单", 7, "第三条：县卫生局保证基本药物配备", "基本药物配备达标，价格公示。", "药品配备率达标", due=11)),
    ("transport", "supervisor", _in_hand(-12, "-3 feed_back; -2 note_feedback; 0 ask_extension"),
     meeting("关于客运站候车厅改造的督办单", 5, "第六条：县交通局完成候车厅改造", "完成候车厅保温改造和无障碍设施建设。", "改造工程通过验收",
             due=3, later=18)),
    ("hoboksar", "supervisor2", _in_hand(-14, "-6 feed_back; -5 note_feedback ask_extension"),
     meeting("关于老旧小区单元门更换的督办单", 5, "第二条：和布克赛尔镇配合完成单元门更换", "完成八个小区单元门更换。", "八个小区全部更换",
             due=5, later=20)),
    ("civil", "supervisor", _in_hand(-22, "-14 feed_back; -13 note_feedback; -12 suspend"),
     meeting("关于县养老服务中心二期建设的督办单", 4, "第四条：县民政局推进二期建设", "完成招标并开工。", "项目开工建设", due=6, later=1)),
    ("finance", "supervisor2", _in_hand(-13, "-5 feed_back; -4 note_feedback; 0 prove claim_done"),
     meeting("关于清理拖欠农牧民工工资专项资金的督办单", 6, "第一条：县财政局足额安排应急周转金", "安排应急周转金并制定使用办法。",
             "周转金足额到位", "使用办法已印发", due=3)),
    ("tax", "supervisor2", _in_hand(-16, "-8 feed_back; -7 note_feedback; -5 prove claim_done"),
     meeting("关于办税服务厅延时服务的督办单", 5, "第八条：县地税局落实延时服务", "落实午间和周末延时服务并公示。", "延时服务已公示实施", due=-2)),
    ("police", "supervisor2", _in_hand(-18, "-10 feed_back; -9 note_feedback; -4 prove claim_done; -3 take_up"),
     meeting("关于便民警务站服务标准化的督办单", 5, "第五条：县公安局统一便民警务站服务标准", "统一服务标准，配齐便民设施。",
             "服务标准已印发", "便民设施配备到位", due=1)),
    ("health", "joint", _in_hand(-20, "-11 feed_back; -10 note_feedback; -6 prove claim_done; -5 take_up; -2 submit_for_closing"),
     instruction("关于解决县医院停车难问题批示件的督办单", "县委主要领导批示", "请县卫生局会同县公安局提出办法，一个月内见效",
                 "新增停车泊位，优化院内交通组织。", "新增泊位投入使用", "高峰期无拥堵", due=2, together=(("police", "优化周边交通组织"),))),

    # Rectifications, from the plan to the acceptance
    ("hoxtolgay", "supervisor2", _in_hand(-3),
     finding("关于和什托洛盖镇绩效考核台账不规范问题的督办单", "督查发现台账缺项、补记", "对照通报逐项整改，规范台账管理。", "台账问题全部整改", due=20,
             measures=_one("台账缺项", "按月归集佐证，专人审核", "党政综合办公室主任", 12))),
    ("hoxtolgay", "supervisor", _in_hand(-4, "0 plan.write plan.hand_in"),
     finding("关于和什托洛盖镇便民服务窗口脱岗问题的督办单", "暗访发现两个窗口工作时间无人", "整改窗口管理，落实AB岗。", "窗口全天有人值守", due=18,
             measures=_one("窗口脱岗", "实行AB岗和去向公示制度", "便民服务中心主任", 8))),
    ("building", "supervisor", _in_hand(-4, "0 plan.write plan.hand_in"),
     finding("关于县城建局污水处理厂运行记录缺失问题的督办单", "督查发现运行记录缺失三日", "查明原因，规范运行记录。", "记录完整可追溯", due=18,
             measures=_one("记录缺失", "启用电子值班记录，每日双人复核", "污水处理厂厂长", 9))),
    ("education", "supervisor2", _planned(-5, ""),
     finding("关于县教育局信访件答复超期问题的督办单", "督查发现三件信访件超期答复", "逐件答复群众，完善办理流程。", "超期件全部答复", due=19,
             measures=_one("答复超期", "建立信访件三日预警制度", "办公室主任", 10))),
    ("tax", "supervisor", _planned(-7, "0 plan.forward"),
     finding("关于县地税局政务公开更新不及时问题的督办单", "督查发现公开栏半年未更新", "更新公开内容，明确更新责任。", "公开栏更新到位", due=17,
             measures=_one("更新不及时", "每月更新并留存影像", "纳税服务股股长", 11))),
    ("police", "supervisor2", _planned(-8, "-1 plan.forward"),
     finding("关于县公安局窗口业务超时办理问题的督办单", "督查发现户籍业务平均超时两个工作日", "查找原因，压缩办理时限。", "超时件清零", due=16,
             measures=_one("业务超时", "增设综合窗口，超时自动预警", "户政大队大队长", 10))),
    ("qagankul", "supervisor2", _planned(-12, "-6 plan.forward; -3 feed_back; -2 note_feedback"),
     finding("关于查干库勒乡村级财务公示不规范问题的督办单", "督查发现两个村未按季公示", "补齐公示，建立按季检查制度。", "公示补齐", due=12,
             measures=_one("未按季公示", "乡财政所按季检查并通报", "乡财政所所长", 6))),
    ("transport", "supervisor2", _planned(-10, "-4 plan.forward; -2 plan.agree:office feed_back; -1 note_feedback"),
     finding("关于县交通局工程档案归集滞后问题的督办单", "督查发现五个项目档案未归集", "补齐档案，完善归集流程。", "档案归集率百分之百", due=16,
             measures=_one("档案滞后", "项目完工十日内归档，纳入月评议", "工程股股长", 9))),
    ("naran", "supervisor", _planned(-14, "-8 plan.forward; -7 plan.agree:joint; -5 plan.agree:leader feed_back; -4 note_feedback"),
     finding("关于那仁和布克牧场禁牧巡护记录造假问题的督办单", "督查发现巡护记录笔迹雷同、日期连号", "查明责任，恢复真实巡护。", "责任人已处理", due=13,
             measures=_one("记录造假", "启用巡护定位打卡，周周抽查", "草原管理站站长", 7))),
    ("baga", "supervisor2", _planned(-7, "-1 plan.return_plan"),
     finding("关于巴嘎乌图布拉格牧场项目资金支出滞后问题的督办单", "督查发现暖圈项目资金支出率不足三成", "加快支出，按进度拨付。", "支出率达到序时进度", due=17,
             measures=_one("支出滞后", "每旬调度，倒排工期", "牧场财务负责人", 10))),
    ("media", "supervisor", _planned(-9, "-3 plan.return_plan; -1 plan.rewrite plan.hand_in_correction feed_back; 0 note_feedback"),
     finding("关于县广电局应急广播终端故障率高问题的督办单", "督查抽查二十个终端，六个不能使用", "检修终端，建立巡检制度。", "终端完好率达到百分之九十五", due=15,
             measures=_one("终端故障", "逐村检修，按月巡检", "技术科科长", 8))),
    ("hoxtolgay", "supervisor", _planned(-20, "-15 plan.forward; -14 plan.agree:office; -13 plan.agree:leader2;"
                                              "-12 plan.agree:leader3 feed_back; -11 note_feedback; -8 1.attach 1.claim_done; -7 1.take_up;"
                                              "-6 1.accept 2.attach 2.claim_done; -5 2.take_up; -4 2.return_work feed_back; -3 note_feedback;"
                                              "-1 3.attach 3.claim_done"),
     finding("关于和什托洛盖镇垃圾清运不及时问题的督办单", "督查发现三个村垃圾堆积超过一周", "清理积存垃圾，建立清运长效机制。", "积存垃圾全部清理",
             "清运机制运行正常", due=14,
             measures=(("垃圾积存", "清运频次不足", "集中清理三个村积存垃圾", "镇环卫站站长", -7),
                       ("清运不及时", "车辆老旧、路线不合理", "优化清运路线，每两日清运一次", "分管副镇长", -5),
                       ("无人监督", "未设监督电话", "公布监督电话，投诉当日处理", "党政综合办公室主任", 0),
                       ("设施不足", "垃圾箱数量不够", "新增垃圾箱四十个", "镇环卫站站长", 2)),
             said={"done": "已按方案完成并通过镇自查，现场照片和台账见附件。", "reason/return_work": "实地抽查发现二村仍三日未清运，与报结情况不符，请重办。"})),
    ("planning", "supervisor2", _planned(-16, "-11 plan.forward; -10 plan.agree:office plan.agree:leader; -9 plan.agree:leader2 feed_back;"
                                              "-8 note_feedback; -3 1.attach 1.claim_done; -2 1.take_up"),
     finding("关于县发改委项目调度数据不实问题的督办单", "督查发现两个项目进度数据与现场不符", "核实数据，建立现场核验制度。", "数据与现场一致", due=10,
             measures=_one("数据不实", "每月现场核验，双人签字", "项目办主任", -1))),
    ("hoboksar", "supervisor", _planned(-24, "-19 plan.forward; -18 plan.agree:joint plan.agree:leader; -17 plan.agree:leader3 feed_back;"
                                             "-16 note_feedback; -8 1.attach 1.claim_done feed_back; -7 1.take_up note_feedback; -5 1.accept;"
                                             "-1 plan.ask_acceptance"),
     finding("关于和布克赛尔镇社区值班值守不到位问题的督办单", "督查夜查两个社区无人值班", "落实值班制度，加强夜查。", "连续一月无脱岗", due=9,
             measures=_one("值班脱岗", "镇班子成员包片夜查，结果公示", "镇党委副书记", -6))),
    ("civil", "supervisor2", _planned(-24, "-19 plan.forward; -18 plan.agree:office plan.agree:leader2; -17 plan.agree:leader3 feed_back;"
                                           "-16 note_feedback; -9 1.attach 1.claim_done feed_back; -8 1.take_up note_feedback; -6 1.accept;"
                                           "-4 plan.ask_acceptance; -3 plan.take_up"),
     finding("关于县民政局低保对象动态调整不及时问题的督办单", "督查发现四户不符合条件仍在享受", "全面核查，及时调整。", "核查覆盖全部低保对象", due=9,
             measures=_one("调整不及时", "按季入户核查，名单公示", "社会救助股股长", -7))),
)  # fmt: skip
"""Each: the unit's code, who drafts, the timetable (`Course`), the matter."""
