import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createQueryClient } from "./api/queries";
import { App } from "./app";
import { LiveStore, StoreContext } from "./live/store";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/page.css";
import "./styles/zones.css";
import "./styles/trend.css";
import "./styles/alarms.css";

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <QueryClientProvider client={createQueryClient()}>
      <StoreContext value={new LiveStore()}>
        <App />
      </StoreContext>
    </QueryClientProvider>
  </StrictMode>,
);
