/** Signed in: the dashboard. Not signed in: the door. Not reachable: says so and tries again. */

import { useMe } from "./api/queries";
import { Dashboard } from "./views/Dashboard";
import { Login } from "./views/Login";

export function App() {
  const { data: me, error, isPending, refetch } = useMe();
  if (me) return <Dashboard me={me} />;
  if (me === null) return <Login />;
  return (
    <main className="login">
      <div className="panel" role="status">
        {isPending ? (
          <p className="dim">Connecting…</p>
        ) : (
          <>
            <p>{error?.message}</p>
            <button type="button" className="button button-strong" onClick={() => void refetch()}>
              Try again
            </button>
          </>
        )}
      </div>
    </main>
  );
}
