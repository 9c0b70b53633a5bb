// A hand-over where there is no network; the scanning page loads it when somebody asks for one.
import { handing } from "./handing/flow.ts";

dispatchEvent(new CustomEvent("handing", { detail: handing }));
