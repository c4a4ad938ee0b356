import { clientDials, type Path, type Site } from './path.ts';

export async function startDirect(site: Site): Promise<Path> {
  return { portal: await clientDials(site, site.portal), disk: site.disk };
}
