// The configuration that runs, without its secrets.

import { api, byId, el, refresh } from "./common.js";

let yaml = "";
byId("controls").append(el("button", { type: "button", on: { click: () => navigator.clipboard?.writeText(yaml) } }, "Copy"));

refresh(async () => {
  ({ yaml } = (await api("status/config")).data);
  byId("content").replaceChildren(el("section", { class: "card" }, el("pre", {}, yaml)));
}, 60);
