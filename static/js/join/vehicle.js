/** What the conference is about: a picture, a name, and a way to more. */
import { byID } from '../dom.js';

/** @param {{title?: string, photo?: string, link?: string}} [vehicle] */
export function showVehicle(vehicle) {
  byID('vehicle').hidden = !vehicle?.title;
  if (!vehicle?.title) return;
  byID('vehicle-title').textContent = vehicle.title;
  const photo = byID('vehicle-photo');
  if (photo.dataset.from !== (vehicle.photo ?? '')) {
    photo.dataset.from = vehicle.photo ?? '';
    photo.hidden = !vehicle.photo;
    photo.onerror = () => { photo.hidden = true; }; // the card is complete without it
    if (vehicle.photo) photo.src = vehicle.photo;
  }
  const link = byID('vehicle-link');
  link.hidden = !vehicle.link?.startsWith('https://');
  if (!link.hidden) link.href = vehicle.link;
}
