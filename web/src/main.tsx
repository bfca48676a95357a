import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiProblem, isLost, lostMs } from './api/ask.ts';
import { router } from './routes.tsx';
import { forgetWhenLeft } from './shell/left-page.ts';
import { applyTheme, storedTheme } from './shell/theme.ts';
import './style.css';

/** A gateway that does not answer is asked once more at once, and then again and again; one that has answered is not. */
const retriesMax = 1;
const isWorthRetrying = (failures: number, error: Error): boolean => failures < retriesMax && !(error instanceof ApiProblem && error.status !== 0);

const client = new QueryClient({
  defaultOptions: { queries: { retry: isWorthRetrying, staleTime: 2000, refetchInterval: ({ state: { error } }) => (isLost(error) ? lostMs : false) } },
});
const place = document.getElementById('console');

applyTheme(storedTheme());
if (place !== null) {
  forgetWhenLeft(place);
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
