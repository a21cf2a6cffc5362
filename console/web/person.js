// Who decides: the name that is kept with every command. It stays in this browser.

import { byId, fill, h } from "./dom.js";
import { say } from "./words.js";

const KEY = "synergy.person";
let name = "";

/** Show the field. */
export function showPerson() {
  name = localStorage.getItem(KEY) ?? "";
  const field = h("input", {
    id: "person-name", value: name, maxlength: "100", autocomplete: "name", size: "14", placeholder: say("person.example"),
    input: () => {
      name = field.value.trim();
      localStorage.setItem(KEY, name);
      field.removeAttribute("aria-invalid");
    },
  });
  fill(byId("person"), h("label", { for: "person-name" }, say("person.label")), field);
}

/** Return the name, or null after asking for it. */
export function person() {
  if (name) return name;
  const field = byId("person-name");
  field.setAttribute("aria-invalid", "true");
  field.focus();
  return null;
}
