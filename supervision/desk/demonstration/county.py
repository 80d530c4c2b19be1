"""Who is who in the demonstration: Hoboksar's units, people and posts (S1), and a small institution beside it (S3).

Names of units are those of the county; everybody in them is invented. Everything goes through the doors of
`organisation.changes`, as the county's own start-up data would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from random import Random

from django.contrib.auth.hashers import make_password

from organisation import changes
from organisation.actors import Actor, clock_of
from organisation.models import Institution, Person, Post, Unit
from organisation.queries import actor_for, local_day
from organisation.roles import PostRole as R
from organisation.roles import UnitKind as K
from supervision.desk.demo import PASSWORD
from supervision.schemes.models import Cycle

HOBOKSAR = ("hoboksar", "和布克赛尔蒙古自治县", "Hoboksar Mongol Autonomous County")
TENGZHOU = (
    "tengzhou-housing",
    "滕州市住房和城乡建设局",
    "Tengzhou Housing and Urban-Rural Development Bureau",
)

# code, parent, kind, Chinese name, English name
UNITS = (
    ("tacheng", "", K.PREFECTURE, "塔城地区", "Tacheng Prefecture"),
    ("county", "tacheng", K.COUNTY, "和布克赛尔蒙古自治县", "Hoboksar Mongol Autonomous County"),
    ("office", "county", K.SECTION, "县绩效办", "County Performance Office"),
    ("supervision", "county", K.SECTION, "县督查室", "County Supervision Office"),
    ("hoxtolgay", "county", K.TOWNSHIP, "和什托洛盖镇", "Hoxtolgay Town"),
    ("hoboksar", "county", K.TOWNSHIP, "和布克赛尔镇", "Hoboksar Town"),
    ("xazgay", "county", K.TOWNSHIP, "夏孜盖乡", "Xazgay Township"),
    ("tebken", "county", K.TOWNSHIP, "铁布肯乌散乡", "Tebken Usan Township"),
    ("qagankul", "county", K.TOWNSHIP, "查干库勒乡", "Qagan Kul Township"),
    ("baga", "county", K.TOWNSHIP, "巴嘎乌图布拉格牧场", "Baga Utu Bulag Ranch"),
    ("naran", "county", K.TOWNSHIP, "那仁和布克牧场", "Naran Hobok Ranch"),
    ("discipline", "county", K.DEPARTMENT, "县纪委监委", "County Commission for Discipline Inspection"),
    ("personnel", "county", K.DEPARTMENT, "县委组织部", "Organisation Department of the County Party Committee"),
    ("police", "county", K.DEPARTMENT, "县公安局", "County Public Security Bureau"),
    ("building", "county", K.DEPARTMENT, "县城建局", "County Urban Construction Bureau"),
    ("tax", "county", K.DEPARTMENT, "县地税局", "County Local Taxation Bureau"),
    ("media", "county", K.DEPARTMENT, "县广电局", "County Radio and Television Bureau"),
    ("environment", "county", K.DEPARTMENT, "县环保局", "County Environmental Protection Bureau"),
    ("finance", "county", K.DEPARTMENT, "县财政局", "County Finance Bureau"),
    ("planning", "county", K.DEPARTMENT, "县发改委", "County Development and Reform Commission"),
    ("transport", "county", K.DEPARTMENT, "县交通局", "County Transport Bureau"),
    ("education", "county", K.DEPARTMENT, "县教育局", "County Education Bureau"),
    ("health", "county", K.DEPARTMENT, "县卫生局", "County Health Bureau"),
    ("civil", "county", K.DEPARTMENT, "县民政局", "County Civil Affairs Bureau"),
    ("town-office", "hoxtolgay", K.SECTION, "党政综合办公室", "General Office"),
    ("town-vets", "hoxtolgay", K.SUBORDINATE, "镇畜牧兽医站", "Town Veterinary Station"),
    ("building-plans", "building", K.SECTION, "规划建设股", "Planning and Construction Section"),
    ("heating", "building", K.SUBORDINATE, "县供热站", "County Heating Station"),
    ("finance-budget", "finance", K.SECTION, "预算股", "Budget Section"),
    ("roads", "transport", K.SUBORDINATE, "县公路养护站", "County Road Maintenance Station"),
)  # fmt: skip

REPORTING = tuple(code for code, _, kind, _, _ in UNITS if kind in (K.TOWNSHIP, K.DEPARTMENT))
SMALL = tuple(code for code, parent, _, _, _ in UNITS if parent in REPORTING)
IN_A_UNIT = {"staff": R.UNIT_STAFF, "head": R.HEAD, "deputy": R.DEPUTY_IN_CHARGE}

# username, Chinese name, English name, posts as role@unit
CAST = (
    ("staff", "巴特尔", "Batur", (f"{R.UNIT_STAFF}@hoxtolgay",)),
    ("head", "马建军", "Ma Jianjun", (f"{R.HEAD}@hoxtolgay",)),
    ("deputy", "其其格", "Qiqig", (f"{R.DEPUTY_IN_CHARGE}@hoxtolgay",)),
    ("office", "刘新梅", "Liu Xinmei", (f"{R.PERFORMANCE_OFFICE}@office",)),
    ("joint", "孟克", "Mengke", (f"{R.PERFORMANCE_OFFICE}@office", f"{R.SUPERVISOR}@supervision")),
    ("supervisor", "赵志远", "Zhao Zhiyuan", (f"{R.SUPERVISOR}@supervision",)),
    ("supervisor2", "阿依古丽", "Aygul", (f"{R.SUPERVISOR}@supervision",)),
    ("leader", "陈国栋", "Chen Guodong", (f"{R.LEADING_GROUP}@county",)),
    ("leader2", "那木加甫", "Namjav", (f"{R.LEADING_GROUP}@county",)),
    ("leader3", "杨秀兰", "Yang Xiulan",
     (f"{R.LEADING_GROUP}@county", f"{R.HEAD}@discipline", f"{R.DISCIPLINE_INSPECTION}@discipline")),
    ("substitute", "叶尔兰", "Yerlan", (f"{R.DEPUTY_IN_CHARGE}@building",)),
    ("discipline", "李卫东", "Li Weidong", (f"{R.DISCIPLINE_INSPECTION}@discipline", f"{R.UNIT_STAFF}@discipline")),
    ("personnel", "王丽娟", "Wang Lijuan", (f"{R.ORGANISATION_DEPARTMENT}@personnel", f"{R.UNIT_STAFF}@personnel")),
    ("auditor", "周文斌", "Zhou Wenbin", (f"{R.AUDITOR}@county",)),
)  # fmt: skip
NEIGHBOUR = (
    "neighbour",
    "孙明哲",
    "Sun Mingzhe",
    (f"{R.PERFORMANCE_OFFICE}@bureau", f"{R.SUPERVISOR}@bureau"),
)

FAMILY = {
    "张": "Zhang", "王": "Wang", "李": "Li", "刘": "Liu", "陈": "Chen", "杨": "Yang", "黄": "Huang", "赵": "Zhao", "吴": "Wu", "周": "Zhou",
    "徐": "Xu", "孙": "Sun", "马": "Ma", "朱": "Zhu", "胡": "Hu", "郭": "Guo", "何": "He", "高": "Gao", "罗": "Luo", "郑": "Zheng",
}  # fmt: skip
GIVEN = {
    "建国": "Jianguo", "丽华": "Lihua", "志强": "Zhiqiang", "秀英": "Xiuying", "永刚": "Yonggang", "晓燕": "Xiaoyan", "海涛": "Haitao",
    "玉梅": "Yumei", "文军": "Wenjun", "春花": "Chunhua", "学忠": "Xuezhong", "红霞": "Hongxia", "新民": "Xinmin", "淑芬": "Shufen",
}  # fmt: skip
STEPPE = (
    ("巴雅尔", "Bayar"), ("乌兰", "Ulan"), ("道尔吉", "Dorji"), ("萨仁", "Saren"), ("叶尔江", "Yerjan"), ("古丽娜尔", "Gulnar"),
    ("努尔兰", "Nurlan"), ("艾山", "Aysan"), ("布音", "Buyin"), ("娜仁", "Naren"), ("阿扎提", "Azat"), ("加娜尔", "Janar"),
)  # fmt: skip

FOUNDED = date(2015, 1, 1)
NOTICE = "自治县人民政府任免通知"


@dataclass
class County:
    """One institution of the demonstration with its units by code and its people by username.

    People of a unit are also known as `unit:staff`, `unit:head` and `unit:deputy`.
    """

    institution: Institution
    units: dict[str, Unit] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    cycles: dict[int, Cycle] = field(default_factory=dict)

    _actors: dict[tuple[str, date], Actor] = field(default_factory=dict)

    def actor(self, who: str, at: datetime) -> Actor:
        """The person with the posts of that day; read once a day, until `posts_changed`."""
        key = (who, local_day(self.institution, at))
        if key not in self._actors:
            self._actors[key] = actor_for(self.people[who], at)
        return self._actors[key]

    def posts_changed(self) -> None:
        """Somebody stands in for somebody from now on."""
        self._actors.clear()

    def code_of(self, unit_id: int) -> str:
        """The code of a unit by its id."""
        return next(code for code, unit in self.units.items() if unit.pk == unit_id)


def found_county(since: date, at: datetime) -> County:
    """Hoboksar with everybody in office since `since`, recorded at `at`."""
    county = County(_institution(HOBOKSAR))
    for code, parent, kind, zh, en in UNITS:
        county.units[code] = changes.begin_unit(
            institution=county.institution, parent=county.units.get(parent), kind=kind, name_zh=zh, name_en=en, code=code,
            begins=FOUNDED, by=clock_of(county.institution.pk), at=at, reason="启用系统时录入",
        )  # fmt: skip
    names = _names()
    for username, zh, en, posts in CAST:
        _take_office(county, username, zh, en, posts, since, at)
    held = {post for _, _, _, posts in CAST for post in posts}
    for code in (*REPORTING, *SMALL):
        for word, role in IN_A_UNIT.items():
            if f"{role}@{code}" not in held:
                zh, en = next(names)
                _take_office(county, f"{code}-{word}", zh, en, (f"{role}@{code}",), since, at)
    return county


def found_neighbour(since: date, at: datetime) -> County:
    """A bureau elsewhere with one person, who must see nothing of the county."""
    bureau = County(_institution(TENGZHOU))
    bureau.units["bureau"] = changes.begin_unit(
        institution=bureau.institution, parent=None, kind=K.COUNTY, name_zh=TENGZHOU[1], name_en=TENGZHOU[2], code="bureau",
        begins=FOUNDED, by=clock_of(bureau.institution.pk), at=at, reason="启用系统时录入",
    )  # fmt: skip
    _take_office(bureau, *NEIGHBOUR, since, at)
    return bureau


def _institution(words: tuple[str, str, str]) -> Institution:
    return Institution.objects.create(slug=words[0], name_zh=words[1], name_en=words[2])


def _names() -> Iterator[tuple[str, str]]:
    """Plausible names, each once, always in the same order."""
    han = [(f + g, f"{family} {given}") for f, family in FAMILY.items() for g, given in GIVEN.items()]
    chosen = Random("和布克赛尔").sample(han, len(IN_A_UNIT) * len(UNITS) - len(STEPPE))
    everybody = [*chosen, *STEPPE]
    Random("塔城").shuffle(everybody)
    return iter(everybody)


def _take_office(
    county: County, username: str, zh: str, en: str, posts: tuple[str, ...], since: date, at: datetime
) -> None:
    person = Person.objects.create_user(username, institution=county.institution, name=zh, name_en=en)
    county.people[username] = person
    for role, code in (post.split("@") for post in posts):
        changes.appoint(
            person=person, role=role, unit=county.units[code], begins=since, by=clock_of(county.institution.pk), at=at, reason=NOTICE
        )  # fmt: skip
        for word, known in IN_A_UNIT.items():
            if role == known:
                county.people[f"{code}:{word}"] = person


def allow_to_sign_in(*counties: County) -> None:
    """One password for all, hashed once: the hash is slow on purpose."""
    institutions = [county.institution for county in counties]
    Person.objects.filter(institution__in=institutions).update(password=make_password(PASSWORD))


def post_of(county: County, who: str, role: str) -> Post:
    """The post that a person holds in this role."""
    held: Post = Post.objects.get(person=county.people[who], role=role)
    return held


def give_addresses(county: County) -> None:
    """From now on the accounts of the demonstration get mail, which its server writes into files."""
    for username, _, _, _ in CAST:
        Person.objects.filter(pk=county.people[username].pk).update(
            email=f"{username}@{county.institution.slug}.example"
        )
