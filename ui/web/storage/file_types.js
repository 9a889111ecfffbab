// What a file is for, by its name and type.

export const isVideo = file => file.type.startsWith('video/');
export const isProject = file => /\.json$/i.test(file.name) || file.type === 'application/json';
export const isAnnotations = file => /\.(zip|txt)$/i.test(file.name);
