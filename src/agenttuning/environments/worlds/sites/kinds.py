"""What a kind of site consists of, and the words of the six kinds at standard size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["textbox", "combobox", "checkbox", "button", "link"]
Operation = Literal["CLICK", "SELECT", "TYPE"]
OPERATIONS: Final[dict[Role, Operation]] = {
    "textbox": "TYPE",
    "combobox": "SELECT",
    "checkbox": "CLICK",
    "button": "CLICK",
    "link": "CLICK",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A control of the main form."""

    role: Role
    labels: tuple[str, ...]
    """How sites call it; every site has its own."""
    values: tuple[str, ...]
    """What is typed or selected; for a checkbox its states are no values."""
    phrases: tuple[str, ...]
    """How a task asks for it; `{}` stands for the value."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of site."""

    names: tuple[tuple[str, ...], tuple[str, ...]]
    """Two halves of a site's name."""
    openings: tuple[str, ...]
    """How a task begins."""
    fields: tuple[Field, ...]
    submits: tuple[str, ...]
    entries: tuple[str, ...]
    """Labels of the link that leads to the form; empty where the form is on the first page."""
    results: tuple[str, ...]
    """What the form finds; empty where the form ends the task."""
    details: tuple[str, ...]
    """What is told of a result."""
    takings: tuple[str, ...]
    """How a task asks for a result; `{}` stands for it."""
    links: tuple[str, ...]
    """Links of the header."""


CITIES: Final = (
    *("Amsterdam", "Athens", "Barcelona", "Berlin", "Boston", "Brussels", "Cairo", "Chicago", "Copenhagen", "Dakar"),
    *("Delhi", "Dublin", "Geneva", "Hanoi", "Helsinki", "Istanbul", "Lagos", "Lima", "Lisbon", "London", "Madrid"),
    *("Manila", "Milan", "Nairobi", "Osaka", "Oslo", "Paris", "Prague", "Quito", "Rome", "Seoul", "Sydney", "Tokyo"),
    *("Toronto", "Tunis", "Vienna", "Warsaw", "Zagreb"),
)
_MONTHS: Final = ("April", "May", "June", "July", "August", "September", "October")
DATES: Final = tuple(f"{month} {day}" for month in _MONTHS for day in (2, 5, 9, 11, 14, 18, 21, 23, 26, 29))
_FIRST: Final = ("Ada", "Bruno", "Clara", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kavya", "Luis")
_LAST: Final = (
    "Abbott",
    "Berger",
    "Costa",
    "Dahl",
    "Eriksen",
    "Fontaine",
    "Ghosh",
    "Haddad",
    "Ito",
    "Jansen",
    "Kovacs",
)
_PRODUCTS: Final = (
    *("desk lamp", "rain jacket", "running shoes", "coffee grinder", "wool blanket", "bike helmet", "tea kettle"),
    *("camping tent", "yoga mat", "garden hose", "office chair", "phone case", "winter boots", "picnic basket"),
)
_TOPICS: Final = (
    *("glaciers", "volcanoes", "medieval castles", "jazz", "honey bees", "lighthouses", "solar power", "calligraphy"),
    *("coral reefs", "steam engines", "wild mushrooms", "northern lights", "sourdough", "origami", "tram networks"),
)


def _field(role: Role, labels: str, values: tuple[str, ...], phrases: str) -> Field:
    return Field(role, tuple(labels.split("|")), values, tuple(phrases.split("|")))


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split("|"))


_FLIGHTS: Final = Kind(
    names=(
        _split("aero|blue|cloud|east|jet|nord|polar|sky|swift|terra|trans|wing"),
        _split("air|fly|lines|trips|ways"),
    ),
    openings=_split("Find a flight|Book a flight|Search for a flight|I need a flight|Look up a flight"),
    fields=(
        _field("textbox", "Departure city|Departure airport|City of departure", CITIES, "with departure from {}"),
        _field("textbox", "Destination|Destination city|Your destination", CITIES, "with destination {}"),
        _field("textbox", "Date of travel|Travel date|Flight date", DATES, "with travel date {}|to travel on date {}"),
        _field(
            "combobox",
            "Passengers|Number of passengers|How many passengers",
            _split("1 adult|2 adults|3 adults|4 adults|1 adult and 1 child"),
            "for {} as passengers|with {} as passengers",
        ),
        _field("combobox", "Cabin class|Class|Travel class", _split("Economy|Premium|Business|First"), "in {} class"),
        _field("checkbox", "Direct flights only|Only direct flights", (), "showing direct flights only"),
    ),
    submits=_split("Search flights|Find flights|Show flights"),
    entries=(),
    results=_split("Alba Air|Borealis|Condora|Delta Wings|Evergreen Jet|Falcon Lines|Gull Air|Heron Express|Ibis Blue"),
    details=_split("departs 06:40|departs 08:15|departs 11:30|departs 14:05|departs 17:50|departs 21:20"),
    takings=_split("and select {}|and choose {}|and take {}"),
    links=_split("Check in|Manage booking|Baggage|Flight status|Seat map|Lounge access|Miles club|Travel insurance"),
)
_HOTELS: Final = Kind(
    names=(
        _split("cosy|easy|far|good|home|inn|kind|lake|quiet|star|sun|town"),
        _split("beds|hotels|nights|rooms|stay"),
    ),
    openings=_split("Find a hotel|Book a hotel|Look for a hotel|Reserve a hotel room|Search for a hotel"),
    fields=(
        _field("textbox", "City or place|City of stay|Which city", CITIES, "in the city {}"),
        _field("textbox", "Check-in date|Date of check-in|Check-in", DATES, "with check-in on {}|check-in {}"),
        _field("textbox", "Check-out date|Date of check-out|Check-out", DATES, "with check-out on {}|check-out {}"),
        _field("combobox", "Guests|Number of guests", _split("1 guest|2 guests|3 guests|4 guests"), "for {}"),
        _field("combobox", "Sort by|Sort results by", _split("Price|Rating|Distance|Newest"), "sort by {}"),
        _field("checkbox", "Breakfast included|Free breakfast", (), "with breakfast"),
        _field("checkbox", "Parking|Free parking|Parking on site", (), "with parking"),
    ),
    submits=_split("Search hotels|Find hotels|Show hotels"),
    entries=(),
    results=_split("Hotel Aurora|Bellevue House|Casa Limone|Drift Inn|Elm Court|Grand Meridian|Hotel Juniper|Old Mill"),
    details=_split("from 64 a night|from 79 a night|from 95 a night|from 120 a night|from 143 a night"),
    takings=_split("and open {}|and choose {}|and book {}"),
    links=_split("Deals|Gift vouchers|Business trips|List your property|Loyalty|City guides|Last minute|Spa weekends"),
)
_SHOP: Final = Kind(
    names=(
        _split("acorn|basket|cart|depot|fair|handy|maple|nest|pick|prime|sunny|urban"),
        _split("goods|mart|shop|store"),
    ),
    openings=_split("Order an article|Look for an article|Search for an article|Find an article"),
    fields=(
        _field("textbox", "Search products|Search the shop|Product search", _PRODUCTS, "by searching for {}"),
        _field(
            "combobox",
            "Color|Color of the item",
            _split("Black|Blue|Green|Grey|Red|White"),
            "in color {}|of the color {}",
        ),
        _field("combobox", "Size|Choose a size", _split("Small|Medium|Large|Extra large"), "in size {}|of size {}"),
        _field("combobox", "Delivery|Delivery method", _split("Standard|Express|Pickup"), "with {} delivery"),
        _field("textbox", "Maximum price|Price up to", _split("15|20|25|40|60|80|120"), "with a maximum price of {}"),
        _field("checkbox", "In stock|Only items in stock", (), "in stock only"),
    ),
    submits=_split("Search|Show products|Apply filters"),
    entries=(),
    results=_split("Alder model|Birch model|Cedar model|Hazel model|Larch model|Poplar model|Rowan model|Willow model"),
    details=_split("12.90|18.50|24.00|31.75|49.99|74.20"),
    takings=_split("and add the {} to the cart|and open the {}|and buy the {}"),
    links=_split("Cart|Wish list|Orders|Returns|Gift cards|New arrivals|Clearance|Store finder|Customer service"),
)
_FORMS: Final = Kind(
    names=(
        _split("bright|civic|clear|first|harbor|hill|metro|open|river|union|valley|west"),
        _split("clinic|council|school|work"),
    ),
    openings=_split("Fill in the form:|Send the form:|Complete the form:|Use the form:"),
    fields=(
        _field("textbox", "First name|Your first name|Given (first) name", _FIRST, "first name {}"),
        _field("textbox", "Last name|Your last name|Family (last) name", _LAST, "last name {}"),
        _field(
            "textbox", "Phone|Phone number|Daytime phone", _split("555 0134|555 0172|555 0188|555 0116"), "phone {}"
        ),
        _field("textbox", "City|City you live in|Home city", CITIES, "city {}|home city {}"),
        _field(
            "combobox",
            "Reason|Reason for writing|Reason of contact",
            _split("Question|Complaint|Appointment|Feedback|Refund"),
            "{} as the reason|reason {}",
        ),
        _field("checkbox", "Send me a copy|I want a copy", (), "with a copy"),
    ),
    submits=_split("Send form|Submit form|Send the form"),
    entries=_split("Contact form|Open the form|Online form"),
    results=(),
    details=(),
    takings=(),
    links=_split("News|Opening hours|Directions|Staff|Events|Downloads|Documents|Press|Vacancies"),
)
_SEARCH: Final = Kind(
    names=(
        _split("alpha|book|deep|find|idea|lib|mind|paper|quest|read|sage|wide"),
        _split("archive|finder|index|library"),
    ),
    openings=_split("Find something to read|Look in the library|Do some research"),
    fields=(
        _field("textbox", "Search terms|Search the catalogue|Search for", _TOPICS, "by searching for {}"),
        _field(
            "combobox",
            "Language|Language of the text",
            _split("Danish|English|French|German|Spanish"),
            "in the language {}",
        ),
        _field("combobox", "Media type|Type of media", _split("Article|Book|Film|Map|Podcast"), "of media type {}"),
        _field("textbox", "Year from|Published in year", _split("1968|1984|1995|2001|2010|2019"), "from the year {}"),
        _field("checkbox", "Available online|Online access", (), "available online"),
        _field("checkbox", "Peer reviewed|Reviewed only", (), "reviewed"),
    ),
    submits=_split("Search|Start search|Search now"),
    entries=(),
    results=_split(
        "A Short History|Beginner's Guide|Collected Essays|Field Notes|Illustrated Atlas|Letters|Diaries|The Handbook"
    ),
    details=_split("12 pages|48 pages|130 pages|212 pages|340 pages"),
    takings=_split("and open {}|and read {}|and pick {}"),
    links=_split("My loans|Renew|Room booking|Ask a librarian|Databases|Exhibitions|Membership|Interlibrary loan"),
)
_SETTINGS: Final = Kind(
    names=(_split("chat|cube|desk|flow|grid|hub|loop|mail|note|pulse|sync|team"), _split("base|board|space|suite")),
    openings=_split("Change my settings:|Update my profile settings:|Adjust the settings:"),
    fields=(
        _field("textbox", "Display name|Name on display", _FIRST, "display name {}"),
        _field(
            "combobox", "Language|Interface language", _split("Danish|English|French|German|Spanish"), "language {}"
        ),
        _field("combobox", "Time zone|Your time zone", _split("Auckland|Berlin|Denver|Lisbon|Tokyo"), "time zone {}"),
        _field("combobox", "Theme|Color theme", _split("Dark|Light|System"), "the {} theme"),
        _field("checkbox", "Weekly summary|Weekly summary by mail", (), "weekly summary on"),
        _field("checkbox", "Desktop alerts|Alerts on the desktop", (), "desktop alerts on"),
        _field("textbox", "Signature|Message signature", _LAST, "signature {}"),
    ),
    submits=_split("Save settings|Save my settings|Apply settings"),
    entries=_split("Settings|Account settings|Profile settings"),
    results=(),
    details=(),
    takings=(),
    links=_split("Inbox|Calendar|Members|Billing|Integrations|Shortcuts|Storage|Invite people|Activity"),
)
KINDS: Final = {
    "flights": _FLIGHTS,
    "hotels": _HOTELS,
    "shop": _SHOP,
    "forms": _FORMS,
    "search": _SEARCH,
    "settings": _SETTINGS,
}
