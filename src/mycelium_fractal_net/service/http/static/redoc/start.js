Redoc.init("openapi.json", { disableSearch: true, nativeScrollbars: true }, document.getElementById("api"));
