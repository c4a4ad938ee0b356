/**
 * Brings the page up to date every two seconds: it asks for the page again and takes over what has changed. The gateway escapes
 * every value, here nothing is put together.
 */
export const SCRIPT = `'use strict';
const state = document.getElementById('live');
const button = document.getElementById('pause');
let isPaused = false;
let hasFailed = false;

async function update() {
  const response = await fetch('/', { cache: 'no-store', signal: AbortSignal.timeout(10000) });
  if (!response.ok) throw new Error((await response.text()).slice(0, 200));
  const next = new DOMParser().parseFromString(await response.text(), 'text/html');
  for (const part of document.querySelectorAll('[data-live]')) {
    const fresh = next.getElementById(part.id);
    if (fresh !== null && fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
  }
}

async function turn() {
  if (!isPaused && !document.hidden) {
    try {
      await update();
      if (hasFailed) say('live');
      hasFailed = false;
    } catch (error) {
      if (!hasFailed) say('the gateway does not answer: ' + error.message);
      hasFailed = true;
    }
  }
  setTimeout(turn, 2000);
}

function say(text) {
  state.textContent = text;
  state.className = text === 'live' || text === 'paused' ? '' : 'bad';
}

button.hidden = false;
button.addEventListener('click', () => {
  isPaused = !isPaused;
  hasFailed = false;
  button.textContent = isPaused ? 'Go on' : 'Pause';
  say(isPaused ? 'paused' : 'live');
});
say('live');
setTimeout(turn, 2000);
`;
