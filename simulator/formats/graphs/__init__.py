"""Graph files: GraphML, GML, node-link JSON, GeoJSON."""
