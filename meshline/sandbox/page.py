"""The sandbox's page for people: the story, the switches, the books, what was asked last."""

# ruff: noqa: RUF001, E501 - apostrophes as people write them; lines of the style sheet
from __future__ import annotations

from html import escape
from time import strftime

from meshline.sandbox import faults
from meshline.sandbox.scenarios import SCENARIOS
from meshline.sandbox.state import Db, Json

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--mute:#556;--mark:#3b4fd8;--ground:#fff;--ink:#181a20}
@media(prefers-color-scheme:dark){:root{--mute:#aab;--mark:#9aa8ff;--ground:#16181d;--ink:#f2f3f5}}
html{background:var(--ground);color:var(--ink)}
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:1.5rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.3rem 0}
table{border-collapse:collapse;width:100%}.wide{overflow-x:auto}
th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--mute);font-weight:500}td.n{text-align:right;font-variant-numeric:tabular-nums}
form{display:inline-flex;gap:.5rem;flex-wrap:wrap;align-items:end;margin:.2rem .5rem .2rem 0}
label{display:grid;font-size:.85rem;color:var(--mute)}
input,select,button{font:inherit;color:inherit;background:var(--ground);padding:.3rem .6rem;border:1px solid #8888;border-radius:.4rem;min-height:2.2rem}
button{cursor:pointer;border-color:var(--mark);color:var(--mark);background:none}
:focus-visible{outline:2px solid var(--mark);outline-offset:2px}code{font-size:.85rem}.mute{color:var(--mute)}
.books{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.2rem 2rem;margin:0}
.books div{display:flex;justify-content:space-between;border-bottom:1px solid var(--line);padding:.2rem 0}
.books dd{margin:0;font-variant-numeric:tabular-nums}
"""


def last_id(db: Db) -> int:
    """The number of the last request."""
    row = db.one("SELECT max(id) AS last FROM request")
    return int(row["last"] or 0) if row else 0


def render(
    *,
    story: Json,
    books: Json,
    switched_on: list[faults.Fault],
    record: Json,
    refused: str = "",
) -> str:
    """The whole page, complete without a script; `refused` says why a form was not taken."""
    told = f'<p role="alert"><strong>Not done: {escape(refused)}</strong></p>' if refused else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Sandbox · the simulated vendors</title><link rel='icon' href='data:,'><style>{_STYLE}</style></head><body><main>"
        "<h1>Sandbox: the simulated vendors</h1>"
        '<p class="mute">Help desk, billing, shop, mail and pager of Harbour &amp; Pine, none of them real. '
        "What they wrote down here is compared with what Meshline says. Reload for the newest.</p>"
        f"{told}{_story(story)}{_switches(switched_on)}{_books(books)}{_requests(record['requests'])}"
        "</main></body></html>"
    )


def _story(story: Json) -> str:
    names = {"not_started": "Not started", "running": "Running", "paused": "Paused", "done": "Done"}
    pause = "Go on" if story["state"] == "paused" else "Pause"
    return (
        f"<h2>The story</h2><p><strong>{names[story['state']]}</strong>, chapter {story['chapter']} of {story['of']}: "
        f"{escape(story['title'])}, {story['elapsed_s']} s of about {story['total_s']} s.</p>"
        f"<p>{escape(story['text_bold'])} <span class=mute>{escape(story['text'])}</span></p>"
        + _button("/_story/start", "Start")
        + _button("/_story/pause", pause)
        + _button("/_story/again", "Start again")
    )


def _button(action: str, title: str, **fields: str) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{n}" value="{escape(v)}">' for n, v in fields.items()
    )
    return f'<form method="post" action="{action}">{hidden}<button>{escape(title)}</button></form>'


def _switches(switched_on: list[faults.Fault]) -> str:
    rows = "".join(
        f"<tr><td>{one.system}<td>{escape(one.op)}<td>{one.fault}<td>{escape(_how(one))}<td>{one.made}"
        f"<td>{_button('/_faults', 'Turn off', clear=str(one.id))}"
        for one in switched_on
    )
    table = (
        '<div class="wide"><table><thead><tr><th>System<th>Operation<th>Fault<th>For<th>By<th>Switch</thead>'
        f"<tbody>{rows}</tbody></table></div>{_button('/_faults', 'Turn all off', clear='all')}"
        if rows
        else "<p class=mute>All systems behave. Nothing is switched on.</p>"
    )
    ops = sorted({op for some in faults.OPS.values() for op in some})
    scripts = "".join(
        _button("/_act", name.replace("_", " "), do="scenario", name=name) for name in SCENARIOS
    )
    return (
        f"<h2>Fault switches</h2>{table}<p>Turn one on:</p>"
        '<form method="post" action="/_faults">'
        f"{_select('system', 'System', list(faults.OPS))}{_select('fault', 'Fault', list(faults.KINDS))}"
        f"{_select('op', 'Operation', ['*', *ops])}"
        '<label>Times<input name="times" type="number" min="1" value="1"></label>'
        '<label>Seconds<input name="seconds" type="number" min="0" step="0.1"></label>'
        '<label>Delay, s<input name="delay_s" type="number" min="0" step="0.1"></label>'
        '<label>Status<input name="status" type="number" min="400" max="599" value="503"></label>'
        '<label>Only charge<input name="charge" placeholder="ch_…"></label><button>Turn on</button></form>'
        f"<p>Or send a fresh customer into one kind of trouble:</p>{scripts}"
    )


def _how(fault: faults.Fault) -> str:
    shown = fault.as_json()
    parts = [f"{fault.times} more" if fault.times is not None else "until turned off"]
    if shown["seconds_left"] is not None:
        parts = [f"{shown['seconds_left']:g} s"]
    parts += [f"{name} {value}" for name, value in fault.match.items()]
    return ", ".join(parts)


def _select(name: str, title: str, values: list[str]) -> str:
    options = "".join(f"<option>{escape(value)}" for value in values)
    return f'<label>{title}<select name="{name}">{options}</select></label>'


def _books(books: Json) -> str:
    rows = "".join(
        f"<div><dt>{escape(name.replace('_', ' ').capitalize())}</dt><dd>{value}</dd></div>"
        for name, value in books.items()
    )
    return (
        f'<h2>The vendors’ books</h2><dl class="books">{rows}</dl><p><a href="/_books">All of it as JSON</a>, '
        '<a href="/_record">every request and effect</a></p>'
    )


def _requests(requests: list[Json]) -> str:
    from time import localtime

    rows = "".join(
        f"<tr><td>{strftime('%H:%M:%S', localtime(one['at']))}<td>{one['system']}<td>{one['op']}"
        f"<td><code>{escape(one['method'])} {escape(one['path'][:90])}</code><td>{one['status'] or 'cut'}"
        f"<td>{escape(one['behaviour'])}"
        for one in reversed(requests)
    )
    head = "<tr><th>Time<th>System<th>Operation<th>Request<th>Answer<th>Behaviour"
    body = f'<div class="wide"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'
    return f"<h2>Last requests</h2>{body if rows else '<p class=mute>Nobody has called yet.</p>'}"
