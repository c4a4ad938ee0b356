/** Of this process: now, or the most that there ever were. The kernel tells of now in a file, which takes a descriptor, and none may be left. */
export function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
