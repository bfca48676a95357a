import { Outlet } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { NotFound } from '../parts/NotFound.tsx';
import { useMay } from './caller.ts';

/** A page for who administers. Others find nothing, and nothing is asked for them. */
export function Administration(): ReactNode {
  return useMay('administer') ? <Outlet /> : <NotFound />;
}
