// Where drawing a part fails, that part says so and the rest stays. React knows this only of classes.
import { Component, type ReactNode } from "react";
import { BASE, Problem } from "../api/client";
import { Failed } from "./states";

interface Props {
  readonly children: ReactNode;
}

interface State {
  readonly error: Error | null;
}

/** Loads the page anew once the server answers: files of a view that couldn't be had are not asked for again. */
const again = (): void => {
  fetch(`${BASE}/coverage`)
    .then(() => window.location.reload())
    .catch(() => undefined);
};

/** What browsers and Vite say of a view's files that couldn't be had. */
const NOT_HAD = /preload|dynamically imported|module script/i;

function said(error: Error): Error {
  if (!NOT_HAD.test(error.message)) return error;
  const detail = "The server does not answer, or is another version than the one this page came from.";
  return new Problem({ type: "about:blank", title: "This view could not be loaded", status: 0, detail });
}

export class Caught extends Component<Props, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    return error === null ? this.props.children : <Failed error={said(error)} again={again} />;
  }
}
