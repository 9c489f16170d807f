// The views there are, in the order of the navigation, and the keys that lead to them.
export interface View {
  readonly path: string;
  readonly title: string;
  readonly keys: string;
  /** Paths below it belong to it. */
  readonly group?: string;
}

export const VIEWS: readonly View[] = [
  { path: "/", title: "Traffic", keys: "g t" },
  { path: "/map", title: "Map", keys: "g m" },
  { path: "/analysis/endpoints", title: "Analysis", keys: "g a", group: "/analysis" },
  { path: "/recording", title: "Recording", keys: "g r" },
];

export const ANALYSES: readonly View[] = [
  { path: "/analysis/endpoints", title: "Endpoints", keys: "g e" },
  { path: "/analysis/top", title: "Top values", keys: "g v" },
  { path: "/analysis/diff", title: "Compare", keys: "g d" },
];

export const isAt = (view: View, path: string): boolean =>
  view.group === undefined ? path === view.path : path.startsWith(view.group);
