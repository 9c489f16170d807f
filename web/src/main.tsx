// The dashboard's beginning.
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { client } from "./api/queries";
import { App } from "./app/App";
import { applyTheme } from "./state/preferences";
import "./ui/fonts.css";
import "./ui/tokens.css";
import "./ui/base.css";
import "./app/shell.css";
import "./filter/filter.css";
import "./timeline/timeline.css";
import "./traffic/traffic.css";

applyTheme();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}
