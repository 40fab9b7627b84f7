// An editor of one text, in a shadow root.
import { isJson, known } from "./document-keys.js";
import { colours, look } from "./document-look.js";

const cm = globalThis.CodeMirror;
const mac = /Mac|iP/.test(navigator.platform);
const control = mac ? "Cmd" : "Ctrl";
const language = (doc) => (isJson(doc) ? cm.json() : cm.yaml());

function status(view, advice) {
  const dom = document.createElement("div");
  const [finding, help, where] = ["doc-finding", "doc-help", "doc-where"].map((name) =>
    dom.appendChild(Object.assign(document.createElement("p"), { className: name })));
  dom.className = "doc-status";
  help.id = "help";
  help.textContent = advice;
  finding.setAttribute("aria-live", "polite");
  const update = ({ state }) => {
    const line = state.doc.lineAt(state.selection.main.head), said = [];
    cm.forEachDiagnostic(state, (one, from, to) => {
      if (from <= line.to && to >= line.from) said.push(`Line ${line.number}: ${one.message}`);
    });
    if (finding.textContent !== said.join(" ")) finding.textContent = said.join(" ");
    where.textContent = `${isJson(state.doc) ? "JSON" : "YAML"} · line ${line.number}, column ${state.selection.main.head - line.from + 1}`;
  };
  update(view);
  return { dom, update };
}

// Chromium puts a styled span in for typed text that replaces a selection, which the policy for content refuses and reports.
function replaceSelected(event, view) {
  const plain = ["insertText", "insertReplacementText"].includes(event.inputType) && event.data !== null;
  if (!plain || view.state.readOnly || view.state.selection.ranges.every((one) => one.empty)) return false;
  view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  event.preventDefault();
  return true;
}

export function open(source, { name, errors = "", readOnly = false, changed = () => {} }) {
  const { EditorView, EditorState, Compartment, keymap } = cm;
  const host = Object.assign(document.createElement("div"), { className: `document-editor${readOnly ? " frozen" : ""}` });
  const root = host.attachShadow({ mode: "open" });
  const spoken = Object.assign(document.createElement("div"), { id: "errors", className: "doc-unseen", textContent: errors });
  const tongue = new Compartment();
  const advice = readOnly ? `Read only. ${control}-F finds, ${mac ? "Cmd-Alt" : "Ctrl-Shift"}-[ folds.`
    : `Tab indents; Esc, then Tab, leaves the editor (${mac ? "Shift-Alt" : "Ctrl"}-M: Tab always leaves). ${control}-F finds, ` +
      `${mac ? "Cmd-Alt" : "Ctrl-Shift"}-[ folds, F8 goes to the next finding, Ctrl-Space completes.`;
  const attributes = { "aria-label": name, "aria-describedby": errors ? "errors help" : "help", spellcheck: "false", tabindex: "0" };
  if (errors) attributes["aria-invalid"] = "true";
  if (readOnly) attributes["aria-readonly"] = "true";
  const writing = readOnly ? [EditorState.readOnly.of(true)] : [
    cm.history(), cm.indentOnInput(), cm.lintGutter(), cm.autocompletion({ override: [known], icons: false }),
    keymap.of([...cm.completionKeymap, ...cm.historyKeymap, cm.indentWithTab]),
  ];
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({ doc: source, extensions: [
      cm.lineNumbers(), cm.foldGutter(), cm.codeFolding(), ...writing, cm.drawSelection(), cm.highlightActiveLine(),
      cm.highlightActiveLineGutter(), cm.bracketMatching(), cm.search({ top: true }), cm.highlightSelectionMatches(),
      cm.indentUnit.of("  "), EditorState.tabSize.of(2), cm.syntaxHighlighting(colours), look,
      keymap.of([...cm.searchKeymap, ...cm.foldKeymap, ...cm.lintKeymap, ...cm.defaultKeymap]),
      tongue.of(language(cm.EditorState.create({ doc: source }).doc)),
      EditorView.contentAttributes.of(attributes),
      EditorView.domEventHandlers({ beforeinput: replaceSelected }),
      cm.showPanel.of((shown) => status(shown, advice)),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        if (isJson(update.startState.doc) !== isJson(update.state.doc)) {
          view.dispatch({ effects: tongue.reconfigure(language(update.state.doc)) });
        }
        changed(update.state.doc.toString());
      }),
    ] }),
  });
  view.dom.append(spoken);
  return { host, view };
}
