// Packages that bring no types of their own, as far as this source uses them.
declare module "govuk-frontend" {
  type Component = new (root: Element | null, config?: Record<string, unknown>) => unknown;
  export const Button: Component;
  export const Checkboxes: Component;
  export const SkipLink: Component;
  export function createAll(component: Component, config?: Record<string, unknown>): unknown[];
}
