// Off loopback the server wants the token that it printed at its start.
import { type SyntheticEvent, useState } from "react";
import { signIn } from "../api/client";
import { client } from "../api/queries";

export function SignIn() {
  const [token, setToken] = useState("");
  const [said, setSaid] = useState<string | null>(null);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    signIn(token.trim())
      .then(() => client.invalidateQueries())
      .catch((error: unknown) => setSaid(error instanceof Error ? error.message : "refused"));
  };
  return (
    <main className="sign-in">
      <form className="form" onSubmit={submit}>
        <h1>Remora</h1>
        <label>
          <span>
            Token, as printed by <code>remora serve</code>
          </span>
          <input
            className="input"
            type="password"
            autoComplete="current-password"
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
        </label>
        {said !== null && (
          <p className="filter-said" role="alert">
            {said}
          </p>
        )}
        <button type="submit" className="button button-accent" disabled={token.trim() === ""}>
          Open
        </button>
      </form>
    </main>
  );
}
