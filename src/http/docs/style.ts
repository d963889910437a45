/** The look of the documentation page: one column of text beside its index, in light and dark. */
export const style = `
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5b6875;--line:#dde3ea;--paper:#fff;--tint:#f5f7fa;--accent:#0b6bcb;
--get:#0b6bcb;--post:#1a7f4b;--warn:#a15c00;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media(prefers-color-scheme:dark){:root{--ink:#e3e9f0;--soft:#9aa8b7;--line:#2b3540;--paper:#12181f;--tint:#1a222b;
--accent:#63b0ff;--get:#63b0ff;--post:#5fd08f;--warn:#f0b35a}}
*{box-sizing:border-box}html{scroll-padding-top:1rem}
body{margin:0;display:grid;grid-template-columns:19rem minmax(0,1fr);color:var(--ink);background:var(--paper);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
nav{position:sticky;top:0;height:100vh;overflow-y:auto;padding:1.5rem 1rem 3rem 1.5rem;border-right:1px solid var(--line);background:var(--tint);font-size:.875rem}
nav h2{margin:1.4rem 0 .3rem;font-size:.8rem;letter-spacing:.06em;text-transform:uppercase;color:var(--soft)}
nav a{display:block;padding:.16rem .4rem;border-radius:.3rem;color:inherit;text-decoration:none;overflow-wrap:anywhere}
nav a:hover,nav a:focus-visible{background:var(--line)}nav .brand{font-weight:650;font-size:1rem}
main{padding:2.5rem clamp(1rem,4vw,4rem) 6rem;max-width:64rem;min-width:0}
h1{margin:0 0 .4rem;font-size:1.9rem;line-height:1.2}main>section>h2{margin:3.5rem 0 0;padding-bottom:.4rem;border-bottom:1px solid var(--line);font-size:1.35rem}
article{margin-top:2.2rem;padding-top:.2rem}article h3{margin:0;font-size:1.08rem}article h3 a{color:inherit;text-decoration:none}
article h3 a:hover{text-decoration:underline}h4{margin:1.1rem 0 .35rem;font-size:.875rem;color:var(--soft);font-weight:600}
p{margin:.5rem 0}a{color:var(--accent)}code,pre,.path{font-family:var(--mono);font-size:.9em}
.path{display:flex;gap:.6rem;align-items:baseline;margin:.35rem 0 .5rem;overflow-wrap:anywhere;color:var(--soft)}
.method{font-weight:700;font-size:.8em;letter-spacing:.03em;color:var(--get)}.method.post{color:var(--post)}
nav .method{display:inline-block;width:2.6rem}.badge{display:inline-block;margin:0 .3rem .3rem 0;padding:.05rem .5rem;border:1px solid var(--line);border-radius:1rem;font-size:.875rem;color:var(--soft)}
.badge.warn{color:var(--warn);border-color:currentcolor}.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.94rem}th,td{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--soft);font-size:.875rem}td:first-child{white-space:nowrap}td.type{color:var(--soft)}
pre{margin:.3rem 0;padding:.8rem 1rem;background:var(--tint);border:1px solid var(--line);border-radius:.5rem;overflow-x:auto;line-height:1.45}
.errors{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.5rem 0;padding:0;list-style:none}.errors span{color:var(--soft)}
details{margin-top:.6rem}summary{cursor:pointer;color:var(--soft);font-size:.86rem}.required{color:var(--warn)}
:target{scroll-margin-top:1rem;box-shadow:-1rem 0 0 var(--paper),-1.2rem 0 0 var(--accent)}
@media(max-width:52rem){body{display:block}nav{position:static;height:auto;max-height:45vh;border-right:0;border-bottom:1px solid var(--line)}}
@media print{nav{display:none}body{display:block}}
`;
