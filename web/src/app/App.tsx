// Which view a path means. What isn't looked at first comes when it is asked for.
import { lazy, Suspense } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { Traffic } from "../traffic/Traffic";
import { Caught } from "../ui/Caught";
import { Empty, Loading } from "../ui/states";
import { Shell } from "./Shell";

const MapView = lazy(() => import("../map/MapView"));
const EndpointsView = lazy(() => import("../analysis/EndpointsView"));
const TopView = lazy(() => import("../analysis/TopView"));
const DiffView = lazy(() => import("../analysis/DiffView"));
const RecordingView = lazy(() => import("../recording/RecordingView"));

export function App() {
  const [path] = useLocation();
  return (
    <Shell>
      <Caught key={path}>
        <Suspense fallback={<Loading what="the view" />}>
          <Switch>
            <Route path="/" component={Traffic} />
            <Route path="/map" component={MapView} />
            <Route path="/analysis">
              <Redirect to={`/analysis/endpoints${window.location.search}`} replace />
            </Route>
            <Route path="/analysis/endpoints" component={EndpointsView} />
            <Route path="/analysis/top" component={TopView} />
            <Route path="/analysis/diff" component={DiffView} />
            <Route path="/recording" component={RecordingView} />
            <Route>
              <Empty title="There is no such page">Choose a view above.</Empty>
            </Route>
          </Switch>
        </Suspense>
      </Caught>
    </Shell>
  );
}
