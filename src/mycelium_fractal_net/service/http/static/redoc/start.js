/** ReDoc's line of thanks shows a logo from another host, which this page may not ask; it gets a mark of our own. */
const ours = (url) => (String(url).startsWith("https://cdn.redoc.ly/") ? "lab/mark.svg" : url);
const images = HTMLImageElement.prototype;
const source = Object.getOwnPropertyDescriptor(images, "src");
Object.defineProperty(images, "src", { ...source, set(url) { source.set.call(this, ours(url)); } });
images.setAttribute = function (name, value) {
  Element.prototype.setAttribute.call(this, name, name === "src" ? ours(value) : value);
};

Redoc.init("openapi.json", { disableSearch: true, nativeScrollbars: true }, document.getElementById("api"));
