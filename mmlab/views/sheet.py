"""The style sheet of the widgets: their own colours, legible in the light and the dark theme of JupyterLab."""

STYLE = """
.mm-explorer,.mm-predict,.mm-lab{--mm-paper:#fff;--mm-ink:#1a1a1a;--mm-muted:#4a5058;--mm-rule:#d5d9df;--mm-lit:#fff3c4;--mm-lit-ink:#1a1a1a;
  --mm-k:#00539c;--mm-s:#7a3b00;--mm-c:#4a5058;--mm-n:#6a1b9a;--mm-f:#005f45}
body[data-jp-theme-light="false"] :is(.mm-explorer,.mm-predict,.mm-lab){
  --mm-paper:#1b1d20;--mm-ink:#e8eaed;--mm-muted:#b4bac2;--mm-rule:#4a5058;
  --mm-lit:#5a4700;--mm-lit-ink:#fff;--mm-k:#8ecbff;--mm-s:#ffc48a;--mm-c:#b4bac2;--mm-n:#dcb4ff;--mm-f:#7fe3c0}
.mm-explorer .mm-panes{flex-flow:row wrap;gap:8px;align-items:stretch}
.mm-explorer .mm-panes>*{min-width:0;margin:0}
.mm-explorer .mm-panes>.widget-select{flex:2 1 24em}
.mm-explorer .mm-panes>.widget-html{flex:3 1 36em}
.mm-explorer .mm-panes .widget-html-content{width:100%}
.mm-explorer .widget-select{height:auto}
.mm-explorer select{font:12px/1.5 var(--jp-code-font-family,monospace);color:var(--mm-ink);background:var(--mm-paper);
  border:1px solid var(--mm-rule);padding:2px;height:22em!important;max-height:none;min-width:0}
.mm-explorer option:checked{background:linear-gradient(var(--mm-lit),var(--mm-lit));color:var(--mm-lit-ink)}
.mm-explorer .widget-select>label{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.mm-explorer .mm-source{font:12px/1.5 var(--jp-code-font-family,monospace);color:var(--mm-ink);
  background:var(--mm-paper);border:1px solid var(--mm-rule);margin:0;padding:4px 0;
  height:22em;box-sizing:border-box;overflow:auto;white-space:pre}
.mm-explorer .mm-line{display:block;padding-right:8px;width:max-content;min-width:100%;box-sizing:border-box}
.mm-explorer .mm-no{display:inline-block;width:4.5em;padding-right:1em;text-align:right;color:var(--mm-muted);
  user-select:none}
.mm-explorer .mm-line[aria-current]{background:var(--mm-lit);color:var(--mm-lit-ink);font-weight:bold}
.mm-explorer .mm-mark{float:left;padding-left:4px;color:var(--mm-lit-ink)}
.mm-explorer .k{color:var(--mm-k)}.mm-explorer .s{color:var(--mm-s)}.mm-explorer .c{color:var(--mm-c)}
.mm-explorer .n{color:var(--mm-n)}.mm-explorer .f{color:var(--mm-f)}
.mm-explorer .mm-told{line-height:1.5;color:var(--jp-ui-font-color1,#1a1a1a);min-height:4.5em}
.mm-explorer .mm-told code{overflow-wrap:anywhere;background:none;color:inherit}
.mm-explorer .mm-step,.mm-explorer .mm-where{color:var(--jp-ui-font-color1,#1a1a1a)}
.mm-explorer .mm-where{white-space:nowrap;font-style:italic}
.mm-explorer .mm-counters{border-collapse:collapse;margin:8px 0;color:var(--mm-ink);background:var(--mm-paper)}
.mm-explorer .mm-counters caption{text-align:left;color:var(--jp-ui-font-color1,#1a1a1a);padding-bottom:2px}
.mm-explorer .mm-counters tr{display:flex;flex-wrap:wrap;background:none!important}
.mm-explorer .mm-counters td{border:1px solid var(--mm-rule);padding:2px 8px;margin:0 -1px -1px 0;
  line-height:1.35;text-align:left}
.mm-explorer .mm-counters span{display:block;color:var(--mm-muted);font-size:11px}
.mm-explorer .mm-counters .mm-lit{background:var(--mm-lit);color:var(--mm-lit-ink)}
.mm-explorer .mm-counters .mm-lit span{color:inherit}
.mm-predict{border:1px solid var(--mm-rule);border-left:4px solid #0072b2;background:var(--mm-paper);
  padding:4px 12px 8px;max-width:60em}
.mm-predict .widget-label,.mm-predict .widget-radio-box label,.mm-predict .mm-question,.mm-predict .mm-none,
.mm-predict li,.mm-predict p{color:var(--mm-ink)}
.mm-predict .mm-question{font-weight:bold;margin:4px 0;line-height:1.5}
.mm-predict .widget-radio-box{height:auto}
.mm-predict [role=status]{line-height:1.5;padding:4px 12px;color:var(--mm-ink);border-left:4px solid var(--mm-muted)}
.mm-predict .mm-right{border-left-color:#009e73}.mm-predict .mm-wrong{border-left-color:#d55e00}
.mm-predict p{margin:4px 0 0}
.mm-predict ul{margin:0;padding-left:1.2em;font:12px/1.5 var(--jp-code-font-family,monospace);white-space:pre-wrap}
.mm-predict code{background:none;color:inherit}
.mm-lab .mm-call{display:flex;align-items:baseline;gap:8px;max-width:60em;margin:4px 0}
.mm-lab .mm-call span{flex:0 0 4.5em;text-align:right;color:var(--jp-ui-font-color1,#1a1a1a)}
.mm-lab .mm-call pre{flex:1 1 auto;user-select:all;white-space:pre-wrap;line-height:1.5;margin:0;padding:4px 10px;
  font:12px/1.5 var(--jp-code-font-family,monospace);color:var(--mm-ink);background:var(--mm-paper);
  border:1px solid var(--mm-rule)}
.mm-lab .mm-verdict{white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5;margin:8px 0;padding:4px 10px;
  font:bold 13px/1.5 var(--jp-code-font-family,monospace);color:var(--mm-ink);background:var(--mm-paper);
  border-left:4px solid #0072b2}
.mm-lab [role=alert]{color:var(--jp-ui-font-color1,#1a1a1a);margin:8px 0;font-weight:bold}
.mm-lab :is(button,input,select,pre,.noUi-handle):focus-visible{outline:3px solid #0072b2;outline-offset:1px}
body[data-jp-theme-light="false"] .mm-lab :is(button,input,select,pre,.noUi-handle):focus-visible{outline-color:#8ecbff}
.mm-lab .widget-radio{margin:2px 18px 2px 8px}
.mm-lab .widget-radio-box{margin:0!important;gap:14px}
.mm-lab .widget-radio-box label{margin:0;width:auto}
.mm-lab .widget-checkbox{margin-left:14px}
.mm-lab .widget-readout{min-width:6.5em}
.mm-lab .widget-html-content>div>svg{display:block;margin:0 0 12px}
"""
