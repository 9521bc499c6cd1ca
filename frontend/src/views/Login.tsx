/** Name and password; a refusal is said in words. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import * as api from "../api/client";
import { Lamp } from "../parts/Icon";

const inWords = (cause: Error): string =>
  cause instanceof api.ApiError && cause.status === 401
    ? "Name or password is wrong."
    : cause.message;

export function Login() {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const login = useMutation({
    mutationFn: () => api.login(name, password),
    onSuccess: (me) => client.setQueryData(["me"], me),
  });
  return (
    <main className="login">
      <form
        className="panel"
        onSubmit={(event) => {
          event.preventDefault();
          if (!login.isPending) login.mutate();
        }}
      >
        <h1>
          <Lamp /> Davy
        </h1>
        <label className="field">
          Name
          <input
            value={name}
            onChange={(event) => setName(event.target.value)}
            autoComplete="username"
            autoCapitalize="none"
            autoFocus
            required
          />
        </label>
        <label className="field">
          Password
          <input
            type="password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            autoComplete="current-password"
            required
          />
        </label>
        {login.error && (
          <p className="refusal" role="alert">
            {inWords(login.error)}
          </p>
        )}
        <button type="submit" className="button button-strong" aria-disabled={login.isPending}>
          {login.isPending ? "Signing in…" : "Sign in"}
        </button>
        <p className="foot-honest">Davy is not a certified safety device.</p>
      </form>
    </main>
  );
}
