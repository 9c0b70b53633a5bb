// What every page of the console needs: the parts of govuk-frontend that our macros use.
import { Button, Checkboxes, SkipLink, createAll } from "govuk-frontend";

// Without this class, set before, every component silently does nothing.
document.body.classList.add("js-enabled", "govuk-frontend-supported");
createAll(Button, { preventDoubleClick: true });
createAll(Checkboxes);
createAll(SkipLink);
