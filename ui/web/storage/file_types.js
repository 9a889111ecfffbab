export const isVideo = file => file.type.startsWith('video/');

// --- opening ---

export const isProject = file => /\.json$/i.test(file.name) || file.type === 'application/json';

export const isAnnotations = file => /\.(zip|txt)$/i.test(file.name);
