// What the analyses have in common: which there are, and what an answer doesn't cover.
import type { ReactNode } from "react";
import { Link, useSearch } from "wouter";
import "../ui/table.css";
import "./analysis.css";
import type { Coverage } from "../api/types";
import { ANALYSES } from "../app/views";
import { linkTo, useUrl } from "../state/url";
import { count } from "../ui/figures";
import { Truncated } from "../ui/states";

interface Props {
  readonly children: ReactNode;
  readonly tools?: ReactNode;
}

export function Frame({ children, tools }: Props) {
  const url = useUrl();
  const search = useSearch();
  return (
    <div className="analysis">
      <div className="bar">
        <nav className="segmented-links" aria-label="Analyses">
          {ANALYSES.map((view) => (
            <Link
              key={view.path}
              href={linkTo(view.path, search)}
              {...(url.path === view.path && { "aria-current": "page" as const })}
            >
              {view.title}
            </Link>
          ))}
        </nav>
        <span className="bar-space" />
        {tools}
      </div>
      {children}
    </div>
  );
}

/** What an answer leaves out, if anything. */
export function Covered({ coverage }: { readonly coverage: Coverage }) {
  const { truncated, stopped, segmentsMissing, losses } = coverage;
  const said = [
    ...(truncated ? [`not all was looked at${stopped === null ? "" : ` (${stopped})`}`] : []),
    ...(segmentsMissing.length > 0 ? [`${count(segmentsMissing.length)} segments are missing`] : []),
    ...(losses.length > 0 ? [`${count(losses.length)} losses lie in this range`] : []),
  ];
  if (said.length === 0) return null;
  return (
    <div className="covered">
      <Truncated>{said.join("; ")}</Truncated>
    </div>
  );
}
