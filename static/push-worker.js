/**
 * Shows what is pushed to this browser. Its scopes, /push/console and /push/join, have no pages: it comes between no page and the network.
 * What it gets is encrypted for this browser by the server (RFC 8291): {id, kind, title, body, url, tag, urgent}.
 */
const ICON = '/static/favicon.svg';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('push', (e) => e.waitUntil(show(e.data)));
self.addEventListener('notificationclick', (e) => {
  e.notification.close();
  e.waitUntil(open(e.notification.data.url));
});

/** A browser takes the right to push away from who shows nothing, so something is shown whatever came. */
async function show(data) {
  let m = {};
  try { m = data.json(); } catch { /* not from our server */ }
  const tag = String(m.tag ?? '');
  const before = tag ? await self.registration.getNotifications({ tag }) : [];
  await self.registration.showNotification(String(m.title || 'Showroom'), {
    body: String(m.body ?? ''), tag, icon: ICON, data: { id: m.id, url: m.url },
    requireInteraction: Boolean(m.urgent),
    renotify: Boolean(m.urgent && tag) && !before.some((n) => n.data?.id === m.id), // the same one again makes no sound
  });
}

/** Brings the page of a link to the front, or opens it. Links lead to this server only. */
async function open(link) {
  let url = new URL('/', self.location.origin);
  try { url = new URL(link || '/', self.location.origin); } catch { /* the console then */ }
  if (url.origin !== self.location.origin) return;
  for (const page of await self.clients.matchAll({ type: 'window', includeUncontrolled: true })) {
    if (page.url === url.href) return void await page.focus();
  }
  await self.clients.openWindow(url.href);
}
