// Where drawing a part fails, that part says so and the rest stays. React knows this only of classes.
import { Component, type ReactNode } from "react";
import { BASE } from "../api/client";
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

export class Caught extends Component<Props, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    return error === null ? this.props.children : <Failed error={error} again={again} />;
  }
}
