// How the server was told to keep things, as far as it says; and what this page keeps in the browser.
import type { Json, Stats } from "../api/types";
import { usePreference } from "../state/preferences";

/** Nested settings as lines: `report.interfaces`. */
export function lines(value: Json | undefined, prefix = ""): readonly (readonly [string, string])[] {
  if (value === undefined || value === null) return [];
  if (typeof value !== "object") return [[prefix, String(value)]];
  return Object.entries(value).flatMap(([key, one]) => lines(one, prefix === "" ? key : `${prefix}.${key}`));
}

export function Settings({ stats }: { readonly stats: Stats }) {
  const [zone, setZone] = usePreference("zone");
  const said = lines(stats.recorder, "recorder");
  return (
    <>
      <table className="settings">
        <tbody>
          {said.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td className="figure">{value}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">times in this browser</th>
            <td>
              <span className="segmented" role="group" aria-label="Zone of times">
                {(["utc", "local"] as const).map((one) => (
                  <button
                    key={one}
                    type="button"
                    aria-pressed={(zone ?? "utc") === one}
                    onClick={() => setZone(one)}
                  >
                    {one === "utc" ? "UTC" : "local"}
                  </button>
                ))}
              </span>
            </td>
          </tr>
        </tbody>
      </table>
    </>
  );
}
